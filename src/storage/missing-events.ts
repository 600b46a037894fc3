import type { Db, Tx } from './db.ts'
import { places, rawRows, rawRun, valueLists } from './run.ts'

/** An event that others follow and that is not here: where backfill continues. */
export interface MissingRow {
  room_nid: number
  event_id: string
  /** The event that names it among its prev_events. */
  referrer_nid: number
}

const CHUNK = 200

export async function insertMissing(tx: Tx, rows: readonly MissingRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += CHUNK) {
    const part = rows.slice(start, start + CHUNK)
    await rawRun(
      tx,
      `insert into missing_event (room_nid, event_id, referrer_nid) values ${valueLists(part.length, 3)}
       on conflict (room_nid, event_id, referrer_nid) do nothing`,
      part.flatMap((row) => [row.room_nid, row.event_id, row.referrer_nid]),
    )
  }
}

export async function deleteMissing(tx: Tx, roomNid: number, eventIds: readonly string[]): Promise<void> {
  for (let start = 0; start < eventIds.length; start += CHUNK) {
    const part = eventIds.slice(start, start + CHUNK)
    await rawRun(tx, `delete from missing_event where room_nid = ? and event_id in (${places(part.length)})`, [
      roomNid,
      ...part,
    ])
  }
}

/** Whether any event of the room has predecessors that are not here. */
export async function hasMissing(db: Db, roomNid: number): Promise<boolean> {
  return (await rawRows(db, 'select 1 from missing_event where room_nid = ? limit 1', [roomNid])).length > 0
}

/**
 * Events whose predecessors are missing, those nearest below a depth (inclusive) first: where a reader who has come down
 * to that depth runs into a gap.
 */
export const listGapsBelow = (
  db: Db,
  roomNid: number,
  depth: number,
  limit: number,
): Promise<{ event_id: string; depth: number; referrer_nid: number }[]> =>
  rawRows(
    db,
    `select m.event_id, m.referrer_nid, e.depth from missing_event m join event e on e.nid = m.referrer_nid
     where m.room_nid = ? and e.depth <= ? order by e.depth desc limit ?`,
    [roomNid, depth, limit],
  )

/** Those of these events that are missing: others name them among their prev_events. */
export async function listMissingAmong(db: Db, roomNid: number, eventIds: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (let start = 0; start < eventIds.length; start += CHUNK) {
    const part = eventIds.slice(start, start + CHUNK)
    const rows = await rawRows<{ event_id: string }>(
      db,
      `select distinct event_id from missing_event where room_nid = ? and event_id in (${places(part.length)})`,
      [roomNid, ...part],
    )
    found.push(...rows.map((row) => row.event_id))
  }
  return found
}
