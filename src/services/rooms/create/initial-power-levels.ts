import type { UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { RoomVersion } from '../../../room/versions.ts'

/**
 * The power levels that a new room starts with. Where creators are above all levels they are not named, and upgrading
 * the room needs more than an administrator (spec: rooms/v12).
 */
export function initialPowerLevels(version: RoomVersion, creator: UserId, trusted: readonly UserId[]): JsonObject {
  const users: JsonObject = {}
  if (!version.privilegedCreators) for (const id of [creator, ...trusted]) users[id] = 100
  return {
    users,
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
      'm.room.tombstone': version.privilegedCreators ? 150 : 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: 0,
  }
}
