import type { GraphEvent } from '../../../room/resolve/known.ts'
import type { StoredEvent } from '../stored-event.ts'

/** Events of a batch as the auth graph sees them. Those that have no numbers yet are newer than all that is stored. */
export class Unsaved {
  readonly #byEvent = new Map<StoredEvent, GraphEvent>()
  readonly #byNid = new Map<number, StoredEvent>()
  #next = FIRST_UNSAVED

  /** `authEvents`: stored, or added before. */
  add(event: StoredEvent, authEvents: readonly StoredEvent[]): void {
    // An outlier that comes to its place keeps its number: what cites it would otherwise cite another event.
    if (event.nid !== 0) {
      this.#byNid.set(event.nid, event)
      return
    }
    const auth = authEvents.map((one) => this.graphEvent(one))
    const graph: GraphEvent = {
      eventId: event.eventId,
      pdu: event.pdu,
      rejected: event.rejected,
      nid: this.#next++,
      authNids: auth.map(({ nid }) => nid),
      authRank: 1 + auth.reduce((highest, { authRank }) => Math.max(highest, authRank), 0),
    }
    this.#byEvent.set(event, graph)
    this.#byNid.set(graph.nid, event)
  }

  /** The event as it was added here, or as it is stored. */
  graphEvent(event: StoredEvent): GraphEvent {
    return this.#byEvent.get(event) ?? this.#byNid.get(event.nid) ?? event
  }

  /** The event with a number, if it was added here. */
  event(nid: number): StoredEvent | undefined {
    return this.#byNid.get(nid)
  }
}

/** Above every number that a table will ever hold. */
const FIRST_UNSAVED = 2 ** 52

/** Whether a number was given to an event that has none of its own. */
export const isUnsaved = (nid: number): boolean => nid >= FIRST_UNSAVED
