import { prevEventIds } from '../../../room/event.ts'
import type { Batch, StateEdit } from '../entry.ts'
import type { ResolveDeps } from '../state/resolution.ts'
import { editsBetween, resolveViews } from '../state/resolve-state.ts'
import { type StateView, storedView } from '../state/state-view.ts'
import type { StoredEvent } from '../stored-event.ts'

/** Events without a place in the timeline that are walked through for what stands before them. */
const MAX_WALK = 200

interface Fork {
  readonly event: StoredEvent
  readonly view: StateView
}

/** The forward extremities of a room and its current state, while a batch adds events to them. */
export class Forks {
  readonly #deps: ResolveDeps
  readonly #forks: Map<string, Fork>
  readonly #removed: StoredEvent[] = []
  #current: StateView

  constructor(deps: ResolveDeps) {
    const { room } = deps
    this.#deps = deps
    this.#current = storedView(room.stateNid)
    this.#forks = new Map(
      room.extremities.map((event) => [event.eventId, { event, view: storedView(event.row.state_nid ?? undefined) }]),
    )
  }

  /** The current state, resolved over all forks. */
  get current(): StateView {
    return this.#current
  }

  /** Whether these are all the forks there are: then the state after them is the current one. */
  areAll(ids: readonly string[]): boolean {
    const unique = new Set(ids)
    return unique.size === this.#forks.size && [...unique].every((id) => this.#forks.has(id))
  }

  /**
   * Adds an event of the timeline; gives how it changes the current state. `before` and `view`: the states before and
   * after it; `known`: finds predecessors that are not in the timeline.
   */
  async add(event: StoredEvent, before: StateView, view: StateView, known: Known): Promise<StateEdit[]> {
    const wasCurrent = before.identity === this.#current.identity
    const statesBefore = this.#identities()
    for (const id of await this.#behind(event, known)) this.#remove(id)
    this.#forks.set(event.eventId, { event, view })
    const [only] = this.#forks.size === 1 ? this.#forks.values() : []
    if (only && wasCurrent) {
      this.#current = view
      return event.isState ? [{ event, replaces: undefined }] : []
    }
    return this.#settle(statesBefore)
  }

  /**
   * What stands before an event that the timeline has gone on from is no end of the room either: a gap is being filled. Gives
   * how the current state changes. `view`: the state after the event; `known`: as above.
   *
   * Nor is the event itself an end, unless that changes the state: what goes on from it was judged by a state that somebody
   * told. Whoever left out of that what others may do here, would put it in the place of ours.
   */
  async close(event: StoredEvent, view: StateView, known: Known): Promise<StateEdit[]> {
    const statesBefore = this.#identities()
    // One end stays in any case: ids of versions 1 and 2 are chosen freely, so that events may follow each other in a ring.
    for (const id of await this.#behind(event, known)) if (this.#forks.size > 1) this.#remove(id)
    const told = await resolveViews(this.#deps, this.#views)
    const own = await resolveViews(this.#deps, [...this.#views, view])
    const isEnd = (await editsBetween(this.#deps, told, own)).length > 0
    if (isEnd) this.#forks.set(event.eventId, { event, view })
    return this.#settle(statesBefore, isEnd ? own : told)
  }

  /** Resolves the forks anew, unless they have the same states as before. `resolved`: what comes of it, where that is known. */
  async #settle(statesBefore: ReadonlySet<unknown>, resolved?: StateView): Promise<StateEdit[]> {
    const states = this.#identities()
    if (states.size === statesBefore.size && [...states].every((identity) => statesBefore.has(identity))) return []
    return this.#become(resolved ?? (await resolveViews(this.#deps, this.#views)))
  }

  /** Makes another state the current one, and tells what that changes. */
  async #become(view: StateView): Promise<StateEdit[]> {
    const edits = await editsBetween(this.#deps, this.#current, view)
    this.#current = edits.length === 0 ? this.#current : view
    return edits
  }

  get extremities(): Batch['extremities'] {
    const before = new Set(this.#deps.room.extremities)
    const added = [...this.#forks.values()].flatMap(({ event }) => (before.has(event) ? [] : event))
    return { removed: this.#removed.filter((event) => before.has(event)), added }
  }

  get #views(): StateView[] {
    return [...this.#forks.values()].map(({ view }) => view)
  }

  #identities(): Set<unknown> {
    return new Set(this.#views.map(({ identity }) => identity))
  }

  #remove(id: string): void {
    const fork = this.#forks.get(id)
    if (!fork) return
    this.#forks.delete(id)
    this.#removed.push(fork.event)
  }

  /** Its predecessors, and theirs where those have no place in the timeline: none of them is an extremity any more. */
  async #behind(event: StoredEvent, known: Known): Promise<Set<string>> {
    const seen = new Set<string>()
    let next = prevEventIds(event.pdu)
    while (next.length > 0 && seen.size < MAX_WALK) {
      for (const id of next) seen.add(id)
      const hidden = (await known(next)).filter((one) => !one.isTimeline)
      next = hidden.flatMap((one) => prevEventIds(one.pdu)).filter((id) => !seen.has(id))
    }
    return seen
  }
}

/** Finds events by id, stored or earlier in the batch. */
type Known = (ids: readonly string[]) => Promise<StoredEvent[]>
