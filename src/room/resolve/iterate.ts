import { authorize } from '../auth/authorize.ts'
import { isState, type RoomEvent, type StateLookup } from '../event.ts'
import { stateKeyOf } from '../state-key.ts'
import type { RoomVersion } from '../versions.ts'
import type { GraphEvent, Known } from './known.ts'

/** A state that is being resolved: what has been decided, over the state that it started from. */
export class PartialState {
  readonly #decided = new Map<string, GraphEvent>()
  readonly #start: (type: string, stateKey: string) => GraphEvent | undefined

  constructor(start: (type: string, stateKey: string) => GraphEvent | undefined = () => undefined) {
    this.#start = start
  }

  get(type: string, stateKey: string): GraphEvent | undefined {
    return this.#decided.get(stateKeyOf(type, stateKey)) ?? this.#start(type, stateKey)
  }

  set(event: GraphEvent): void {
    if (isState(event.pdu)) this.#decided.set(stateKeyOf(event.pdu.type, event.pdu.state_key), event)
  }

  /** What has been decided, without the state that it started from. */
  decided(): GraphEvent[] {
    return [...this.#decided.values()]
  }
}

/**
 * Iterative auth checks (rooms/v2): applies each event that the state so far allows. Where that state lacks an entry,
 * the event's own auth events serve, unless they were rejected. Their auth events must be known in full.
 */
export function applyAllowed(
  events: readonly GraphEvent[],
  state: PartialState,
  create: RoomEvent,
  known: Known,
  version: RoomVersion,
): void {
  for (const event of events) {
    // NOTSPEC: a rejected event stays rejected, as with Synapse. Admitting it when the resolved state allows it (rooms/v2:
    // Rejected events) would need to know that it was rejected for its state and not for its auth events.
    if (event.rejected) continue
    if (authorize(event, stateFor(event, state, create, known), version) === undefined) state.set(event)
  }
}

function stateFor(event: GraphEvent, state: PartialState, create: RoomEvent, known: Known): StateLookup {
  const cited = event.authNids.map((nid) => known.event(nid)).filter((auth) => !auth.rejected)
  return (type, stateKey) => {
    const held = state.get(type, stateKey)
    if (held && !held.rejected) return held
    const own = cited.find(({ pdu }) => pdu.type === type && pdu.state_key === stateKey)
    // Since version 12 no event cites the create event.
    return own ?? (type === 'm.room.create' && stateKey === '' ? create : undefined)
  }
}
