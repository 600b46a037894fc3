import type { Db, Tx } from './db.ts'
import { rawRows, rawRun, valueLists } from './run.ts'

/** An event that arrived without its predecessors. */
export interface TimelineGap {
  room_nid: number
  pos: number
}

const CHUNK = 200

export async function insertTimelineGaps(tx: Tx, rows: readonly TimelineGap[]): Promise<void> {
  for (let start = 0; start < rows.length; start += CHUNK) {
    const part = rows.slice(start, start + CHUNK)
    const params = part.flatMap((row) => [row.room_nid, row.pos])
    await rawRun(tx, `insert into timeline_gap (room_nid, pos) values ${valueLists(part.length, 2)}`, params)
  }
}

/** The position of the last event up to a position (inclusive) that came with a gap before it; 0: there is none. */
export async function lastTimelineGap(db: Db, roomNid: number, upTo: number): Promise<number> {
  const sql = 'select max(pos) as pos from timeline_gap where room_nid = ? and pos <= ?'
  return (await rawRows<{ pos: number | null }>(db, sql, [roomNid, upTo]))[0]?.pos ?? 0
}
