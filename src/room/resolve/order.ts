import { compareCodePoints } from '../../matrix/canonical-json.ts'
import type { RoomEvent } from '../event.ts'
import { integerOf, type Level } from '../power-levels.ts'

export const compareLevels = (one: Level, other: Level): number => (one < other ? -1 : one > other ? 1 : 0)

/** The last two steps of both orderings of rooms/v2: what was sent earlier, then the smaller event id, comes first. */
export const compareTimes = (one: RoomEvent, other: RoomEvent): number =>
  compareLevels(integerOf(one.pdu.origin_server_ts) ?? 0, integerOf(other.pdu.origin_server_ts) ?? 0) ||
  compareCodePoints(one.eventId, other.eventId)
