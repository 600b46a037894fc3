import type { Db } from './db.ts'
import { places, rawRows } from './run.ts'

const ROWS = 500

/** When something last happened in each of these rooms: the position of the newest event or change of the state. */
export async function listLastPositions(db: Db, roomNids: readonly number[]): Promise<Map<number, number>> {
  const last = new Map<number, number>()
  for (let start = 0; start < roomNids.length; start += ROWS) {
    const part = roomNids.slice(start, start + ROWS)
    const rows = await rawRows<{ nid: number; event_pos: number | null; state_pos: number | null }>(
      db,
      `select r.nid, (select max(e.pos) from event e where e.room_nid = r.nid) as event_pos,
         (select max(s.pos) from state_change s where s.room_nid = r.nid) as state_pos
       from room r where r.nid in (${places(part.length)})`,
      part,
    )
    for (const { nid, event_pos, state_pos } of rows) last.set(nid, Math.max(event_pos ?? 0, state_pos ?? 0))
  }
  return last
}
