import type { JsonObject } from '../../src/matrix/json.ts'
import type { Pdu } from '../../src/room/event.ts'
import { type RoomVersion, roomVersion, stableVersionIds } from '../../src/room/versions.ts'

export const version = (id: string): RoomVersion => {
  const found = roomVersion(id)
  if (!found) throw new Error(`No room version ${id}`)
  return found
}

export const allVersions = stableVersionIds().map(version)

/** A well-formed event in the format of the version, which nobody has signed. */
export function sampleEvent(roomVersion: RoomVersion, fields: { [key: string]: unknown } = {}): Pdu {
  const hasChosenId = roomVersion.eventId === 'random'
  const reference = hasChosenId ? ['$prev:hs', { sha256: 'x' }] : '$prev'
  return {
    type: 'm.room.message',
    sender: '@alice:hs',
    room_id: '!room:hs',
    content: { body: 'hello', msgtype: 'm.text' },
    depth: 3,
    origin_server_ts: 1_000_000,
    prev_events: [reference],
    auth_events: [reference],
    hashes: { sha256: 'x' },
    signatures: { hs: { 'ed25519:1': 'x' } },
    ...(hasChosenId && { event_id: '$own:hs' }),
    ...fields,
  }
}

export const memberEvent = (roomVersion: RoomVersion, content: JsonObject): Pdu =>
  sampleEvent(roomVersion, { type: 'm.room.member', state_key: '@bob:hs', content })
