import type { Db } from '../db.ts'
import { places } from '../run.ts'
import { type EventRow, selectEvents } from './events.ts'

/**
 * The changes of places in a room's state, with the events that were replaced. `entry` has SQLite find them by the index of
 * places, which it takes only where nothing else is wanted of a row: otherwise it reads all changes of the room.
 */
const REPLACED = `from state_change entry cross join state_change s join event e on e.nid = s.prev_event_nid
  where s.room_nid = entry.room_nid and s.pos = entry.pos and s.type_nid = entry.type_nid and s.key_nid = entry.key_nid
    and entry.room_nid = ? and entry.type_nid = ? and entry.key_nid`

/** The events that stood at one place of a room's state and were replaced, latest first, and where each ended. */
export const listReplacedAt = (
  db: Db,
  roomNid: number,
  typeNid: number,
  keyNid: number,
  limit: number,
): Promise<(EventRow & { until_pos: number })[]> =>
  selectEvents<{ until_pos: number }>(
    db,
    `${REPLACED} = ? order by entry.pos desc limit ?`,
    [roomNid, typeNid, keyNid, limit],
    's.pos as until_pos',
  )

/** The same for several places, and the number of the event that came instead. */
export const listReplacedAtAny = (
  db: Db,
  roomNid: number,
  typeNid: number,
  keyNids: readonly number[],
  limit: number,
): Promise<(EventRow & { until_pos: number; by_nid: number | null })[]> =>
  selectEvents<{ until_pos: number; by_nid: number | null }>(
    db,
    `${REPLACED} in (${places(keyNids.length)}) order by s.pos desc limit ?`,
    [roomNid, typeNid, ...keyNids, limit],
    's.pos as until_pos, s.event_nid as by_nid',
  )

/** The state events that these ones, made current at these positions, replaced: by the number of the later one. */
export async function listReplacedBy(
  db: Db,
  roomNid: number,
  later: readonly { nid: number; pos: number }[],
): Promise<Map<number, EventRow>> {
  const rows = await selectEvents<{ by_nid: number }>(
    db,
    `from state_change s join event e on e.nid = s.prev_event_nid
     where s.room_nid = ? and s.pos in (${places(later.length)})`,
    [roomNid, ...later.map(({ pos }) => pos)],
    's.event_nid as by_nid',
  )
  return new Map(rows.map((row) => [row.by_nid, row]))
}

/** The event whose place in the current state an event took when it came. */
export async function findReplacedBy(
  db: Db,
  roomNid: number,
  { pos, type_nid: typeNid, key_nid: keyNid }: Pick<EventRow, 'pos' | 'type_nid' | 'key_nid'>,
): Promise<EventRow | undefined> {
  if (pos === null || keyNid === null) return undefined
  const [row] = await selectEvents(
    db,
    `from state_change c join event e on e.nid = c.prev_event_nid
     where c.room_nid = ? and c.pos = ? and c.type_nid = ? and c.key_nid = ?`,
    [roomNid, pos, typeNid, keyNid],
  )
  return row
}
