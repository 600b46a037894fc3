import { isObject, type Json } from '../matrix/json.ts'
import type { Pdu } from './event.ts'
import type { RoomVersion } from './versions.ts'

/**
 * The event as clients get it (client-server API: room event format), without `room_id` and `unsigned`, which depend on
 * the endpoint and the viewer. Version 11 moved a redaction's `redacts` into its content: clients of either age find it,
 * so it stands in both places.
 */
export function clientEvent(pdu: Pdu, eventId: string, version: RoomVersion): { [key: string]: Json } {
  const event: { [key: string]: Json } = {
    type: pdu.type,
    sender: pdu.sender,
    content: pdu.content,
    event_id: eventId,
    origin_server_ts: pdu.origin_server_ts,
  }
  if (pdu.state_key !== undefined) event.state_key = pdu.state_key
  if (pdu.type === 'm.room.redaction') copyRedacts(pdu, event, version)
  return event
}

function copyRedacts(pdu: Pdu, event: { [key: string]: Json }, version: RoomVersion): void {
  const content = isObject(pdu.content) ? pdu.content : {}
  const redacts = version.redactsInContent ? content.redacts : pdu.redacts
  if (typeof redacts !== 'string') return
  event.redacts = redacts
  event.content = { ...content, redacts }
}
