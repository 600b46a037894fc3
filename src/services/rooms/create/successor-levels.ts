import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { type PowerLevels, parseLevel } from '../../../room/power-levels.ts'
import type { RoomVersion } from '../../../room/versions.ts'

const ADMIN_LEVEL = 100
/** Where creators are above all levels, upgrading takes more than an administrator (rooms/v12). */
const TOMBSTONE_LEVEL = 150
const TOMBSTONE = 'm.room.tombstone'

/**
 * The power levels of a room's successor: the same, in a form that its version accepts. `creators` are those of the
 * successor.
 */
export function successorLevels(
  levels: PowerLevels,
  content: JsonObject | undefined,
  oldVersion: RoomVersion,
  version: RoomVersion,
  creators: readonly string[],
): JsonObject {
  const kept = integersOf(content ?? {}, oldVersion)
  const users = isObject(kept.users) ? kept.users : {}
  const events = isObject(kept.events) ? kept.events : {}
  if (version.privilegedCreators) {
    for (const creator of creators) delete users[creator]
    if (!oldVersion.privilegedCreators || events[TOMBSTONE] === undefined) events[TOMBSTONE] = TOMBSTONE_LEVEL
  } else if (content === undefined || oldVersion.privilegedCreators) {
    // Who was above all levels gets the highest of them.
    const highest = Math.max(ADMIN_LEVEL, ...numbersIn(users), ...numbersIn(events))
    for (const creator of creators) if (levels.isCreator(creator)) users[creator] = highest
  }
  return { ...kept, users, events }
}

/** The power levels with which a room that was replaced is quiet: only those above all others may send and invite. */
export function silencedLevels(content: JsonObject, version: RoomVersion): JsonObject {
  const level = (key: string) => Number(parseLevel(content[key], version) ?? 0)
  const least = Math.max(50, level('users_default') + 1)
  return {
    ...content,
    events_default: Math.max(level('events_default'), least),
    invite: Math.max(level('invite'), least),
  }
}

/** The same levels as integers: old versions also have texts and floats. What is no level is left out. */
function integersOf(content: JsonObject, version: RoomVersion): JsonObject {
  const kept: JsonObject = {}
  for (const [key, value] of Object.entries(content)) {
    if (isObject(value)) {
      kept[key] = integersOf(value, version)
      continue
    }
    const level = parseLevel(value, version)
    if (typeof level === 'number') kept[key] = level
  }
  return kept
}

const numbersIn = (levels: JsonObject): number[] =>
  Object.values(levels).filter((level): level is number => typeof level === 'number')
