import type { GraphEvent, Known, Need } from './known.ts'
import { loadEvents } from './load.ts'
import { compareTimes } from './order.ts'
import { powerLevelsCitedBy } from './power-sort.ts'

const NOT_ON_MAINLINE = Number.POSITIVE_INFINITY

/**
 * Mainline ordering (rooms/v2) based on some power levels: events under older power levels first, then earlier ones,
 * then the smaller event id.
 */
export function* sortByMainline(
  events: readonly GraphEvent[],
  powerLevels: GraphEvent | undefined,
  known: Known,
): Generator<Need, GraphEvent[], void> {
  const mainline = new Mainline(powerLevels, known)
  const positions = new Map<GraphEvent, number>()
  for (const event of events) positions.set(event, yield* mainline.positionOf(event))
  const age = (event: GraphEvent) => positions.get(event) ?? NOT_ON_MAINLINE
  // Not `-`: infinity less infinity is no number.
  return events.toSorted((one, other) => (age(one) === age(other) ? compareTimes(one, other) : age(other) - age(one)))
}

/**
 * The mainline of some power levels: those, the ones they cite, and so on. It is read no further than the events ask: an
 * event of a certain rank is on it or not once it has been read down to that rank.
 */
class Mainline {
  readonly #known: Known
  /** Of power levels events, on the mainline or met on the way to it. */
  readonly #positions = new Map<number, number>()
  #length = 0
  #end: GraphEvent | undefined

  constructor(start: GraphEvent | undefined, known: Known) {
    this.#known = known
    this.#append(start)
  }

  /** The index of the first power levels on the mainline behind this event; infinity if there are none. */
  *positionOf(event: GraphEvent): Generator<Need, number, void> {
    const passed: number[] = []
    let position: number | undefined
    for (let at = yield* this.#citedBy(event); at; at = yield* this.#citedBy(at)) {
      yield* this.#readDownTo(at.authRank)
      position = this.#positions.get(at.nid)
      if (position !== undefined) break
      passed.push(at.nid)
    }
    position ??= NOT_ON_MAINLINE
    for (const nid of passed) this.#positions.set(nid, position)
    return position
  }

  *#readDownTo(rank: number): Generator<Need, void, void> {
    while (this.#end && this.#end.authRank > rank) this.#append(yield* this.#citedBy(this.#end))
  }

  #append(event: GraphEvent | undefined): void {
    this.#end = event
    if (event) this.#positions.set(event.nid, this.#length++)
  }

  *#citedBy(event: GraphEvent): Generator<Need, GraphEvent | undefined, void> {
    yield* loadEvents(event.authNids, this.#known)
    return powerLevelsCitedBy(event, this.#known)
  }
}
