import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { isObject } from '../../../matrix/json.ts'
import { depthOf, isState, type Pdu, type RoomEvent, readPdu } from '../../../room/event.ts'
import { checkFormat } from '../../../room/format.ts'
import { essentialText, hashedId, hasOwnContent } from '../../../room/hashes.ts'
import { redact } from '../../../room/redaction.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { EventKind } from '../../../storage/rooms/events.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'

/** An event of another server that has the form of one. Nothing says yet that its sender sent it. */
export interface Parsed extends RoomEvent {
  /** What its signatures cover. */
  readonly essential: string
}

/** The same, signed by whom it needs; pruned where its content is not what was hashed. */
export interface Incoming extends RoomEvent {
  /** As it is stored. */
  readonly json: string
}

/** Step 1: the form of an event (spec: server-server API, Checks performed on receipt of a PDU). A text: why it has none. */
export function parseIncoming(value: unknown, version: RoomVersion): Parsed | string {
  if (!isObject(value)) return 'An event is an object'
  // What another server noted beside the event says nothing to us.
  const { unsigned: _, ...pdu } = value
  const malformed = checkFormat(pdu, version, { isRemote: true })
  if (malformed !== undefined) return malformed
  const event = pdu as Pdu
  const essential = essentialText(event, version)
  const eventId = version.eventId === 'random' ? (event.event_id ?? '') : hashedId(essential, version)
  return { eventId, pdu: event, essential }
}

/** Step 3: what may be used of an event whose signatures are in order. */
export function withOwnContent({ eventId, pdu }: RoomEvent, version: RoomVersion): Incoming {
  const own = hasOwnContent(pdu) ? pdu : redact(pdu, version)
  return { eventId, pdu: own, json: canonicalJson(own) }
}

/** One that was checked before and held as JSON. */
export const heldIncoming = (eventId: string, json: string, version: RoomVersion): Incoming => ({
  eventId,
  pdu: readPdu(json, version),
  json,
})

/** The event as it is stored; `persist` gives it its numbers. */
export function toStored(
  { eventId, pdu, json }: Incoming,
  room: Pick<LiveRoom, 'roomId' | 'version'>,
  kind: EventKind,
  reason?: string,
): StoredEvent {
  const row = {
    nid: 0,
    event_id: eventId,
    room_nid: 0,
    pos: null,
    depth: depthOf(pdu),
    type_nid: 0,
    sender_nid: 0,
    key_nid: isState(pdu) ? 0 : null,
    ts: pdu.origin_server_ts,
    kind,
    auth: '[]',
    auth_rank: 0,
    state_nid: null,
    redacted_by_nid: null,
    reason: reason ?? null,
    json,
  }
  return new StoredEvent(row, room.roomId, room.version, pdu)
}
