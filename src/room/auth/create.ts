import { isUserId } from '../../matrix/ids.ts'
import type { Json } from '../../matrix/json.ts'
import type { RoomEvent, Verdict } from '../event.ts'
import { type RoomVersion, roomVersion } from '../versions.ts'
import { contentOf, haveSameDomain, idsOf } from './fields.ts'

/** Rule 1. */
export function authorizeCreate({ pdu }: RoomEvent, version: RoomVersion): Verdict {
  const { room_version: named, creator, additional_creators: additional } = contentOf(pdu)
  // Rule 1.1.
  if (idsOf(pdu.prev_events).length > 0) return 'A create event has no previous events'
  // Rule 1.2.
  if (version.createHashRoomId) {
    if (pdu.room_id !== undefined) return 'A create event has no room id in this room version'
  } else if (!haveSameDomain(pdu.room_id, pdu.sender)) {
    return 'The room id is one of another server than the sender'
  }
  // Rule 1.3.
  if (named !== undefined && !(typeof named === 'string' && roomVersion(named))) return 'The room version is unknown'
  // Rule 1.4 of versions 1 to 10.
  if (!version.implicitCreator && creator === undefined) return 'The create event names no creator'
  // Rule 1.4.
  if (version.privilegedCreators && additional !== undefined && !areUserIds(additional)) {
    return 'The additional creators are no list of user ids'
  }
  return undefined
}

const areUserIds = (value: Json): boolean =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string' && isUserId(entry))
