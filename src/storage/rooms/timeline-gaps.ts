import type { Db, Tx } from '../db.ts'
import { insertRows } from '../many.ts'
import { rawRows } from '../run.ts'

/** An event that arrived without its predecessors. */
export interface TimelineGap {
  room_nid: number
  pos: number
}

export async function insertTimelineGaps(tx: Tx, rows: readonly TimelineGap[]): Promise<void> {
  await insertRows(
    tx,
    'timeline_gap (room_nid, pos)',
    rows.map((row) => [row.room_nid, row.pos]),
  )
}

/** The position of the last event up to a position (inclusive) that came with a gap before it; 0: there is none. */
export async function lastTimelineGap(db: Db, roomNid: number, upTo: number): Promise<number> {
  const sql = 'select max(pos) as pos from timeline_gap where room_nid = ? and pos <= ?'
  return (await rawRows<{ pos: number | null }>(db, sql, [roomNid, upTo]))[0]?.pos ?? 0
}
