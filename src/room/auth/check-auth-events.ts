import { authTypesFor } from '../auth-types.ts'
import type { EventLookup, RoomEvent, Verdict } from '../event.ts'
import { stateKeyOf } from '../state-key.ts'
import type { RoomVersion } from '../versions.ts'
import { idsOf } from './fields.ts'

/**
 * Whether an event names the right auth events (spec: rooms/v12, rules 2 and 3; rule 2 in versions 1 to 11): every one
 * known, none rejected, each selected by the event, and the create event among them or, since version 12, in the room id.
 * `lookup` knows the auth events and, since version 12, the create event. Never throws.
 */
export function checkAuthEvents(event: RoomEvent, lookup: EventLookup, version: RoomVersion): Verdict {
  const { pdu } = event
  if (typeof pdu.type !== 'string' || typeof pdu.sender !== 'string') return 'The event has no type or no sender'
  // Rule 1 decides on create events without looking at what they cite.
  if (pdu.type === 'm.room.create') return undefined
  const inRoom = checkRoom(event, lookup, version)
  if (inRoom !== undefined) return inRoom

  const selected = new Set(authTypesFor(pdu, version).map(([type, stateKey]) => stateKeyOf(type, stateKey)))
  const found = new Set<string>()
  for (const id of idsOf(pdu.auth_events)) {
    const auth = typeof id === 'string' ? lookup(id) : undefined
    if (!auth) return 'An auth event is unknown'
    const { type, state_key: stateKey } = auth.pdu
    const isStateEvent = typeof type === 'string' && typeof stateKey === 'string'
    const key = isStateEvent ? stateKeyOf(type, stateKey) : ''
    // Rule 3.1.
    if (found.has(key)) return `The auth event ${auth.eventId} has the place of another`
    found.add(key)
    // Rule 3.2. Since version 12 the create event is not selected.
    if (!selected.has(key)) return `The auth event ${auth.eventId} has no say`
    // Rule 3.3.
    if (auth.rejected) return `The auth event ${auth.eventId} was rejected`
    // Rule 3.5.
    if (auth.pdu.room_id !== pdu.room_id) return `The auth event ${auth.eventId} is from another room`
  }
  // Rule 2.4 of versions 1 to 11.
  if (!version.createHashRoomId && !found.has(stateKeyOf('m.room.create', ''))) return 'The create event is not cited'
  return undefined
}

/** Rule 2 of version 12: the room id is the id of an accepted create event. */
function checkRoom({ pdu }: RoomEvent, lookup: EventLookup, version: RoomVersion): Verdict {
  if (!version.createHashRoomId) return undefined
  const { room_id: roomId } = pdu
  const create = typeof roomId === 'string' && roomId.startsWith('!') ? lookup(`$${roomId.slice(1)}`) : undefined
  if (create?.pdu.type !== 'm.room.create') return 'The room id is not that of a known create event'
  return create.rejected ? 'The create event was rejected' : undefined
}
