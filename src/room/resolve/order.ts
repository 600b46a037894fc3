import { compareCodePoints } from '../../matrix/canonical-json.ts'
import type { RoomEvent } from '../event.ts'
import type { Level } from '../power-levels.ts'

/** Levels may be infinite and may be bigints, so that they cannot be subtracted. */
export const compareLevels = (one: Level, other: Level): number => (one < other ? -1 : one > other ? 1 : 0)

/** The last two steps of both orderings of rooms/v2: what was sent earlier, then the smaller event id, comes first. */
export const compareTimes = (one: RoomEvent, other: RoomEvent): number =>
  one.pdu.origin_server_ts - other.pdu.origin_server_ts || compareCodePoints(one.eventId, other.eventId)
