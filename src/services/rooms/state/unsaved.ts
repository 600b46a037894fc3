import type { GraphEvent } from '../../../room/resolve/known.ts'
import type { StoredEvent } from '../stored-event.ts'

/** Events of a batch that have no numbers yet, as the auth graph sees them: newer than all that is stored. */
export class Unsaved {
  readonly #byEvent = new Map<StoredEvent, GraphEvent>()
  readonly #byNid = new Map<number, StoredEvent>()
  #next = FIRST_UNSAVED

  /** `authEvents`: stored, or added before. */
  add(event: StoredEvent, authEvents: readonly StoredEvent[]): void {
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

  graphEvent(event: StoredEvent): GraphEvent {
    return this.#byEvent.get(event) ?? event
  }

  /** The event with a number that was given here. */
  event(nid: number): StoredEvent | undefined {
    return this.#byNid.get(nid)
  }
}

/** Above every number that a table will ever hold. */
const FIRST_UNSAVED = 2 ** 52
