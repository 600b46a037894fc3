import type { Db } from '../db.ts'
import { rowsIn } from '../many.ts'

/**
 * When something last happened in each of these rooms: the position of the newest event or change of the state, or at which
 * its members became known.
 */
export async function listLastPositions(db: Db, roomNids: readonly number[]): Promise<Map<number, number>> {
  const rows = await rowsIn<{ nid: number; whole_pos: number; event_pos: number | null; state_pos: number | null }>(
    db,
    `select r.nid, r.whole_pos, (select max(e.pos) from event e where e.room_nid = r.nid) as event_pos,
       (select max(s.pos) from state_change s where s.room_nid = r.nid) as state_pos
     from room r where r.nid in`,
    roomNids,
  )
  return new Map(
    rows.map(({ nid, whole_pos, event_pos, state_pos }) => [nid, Math.max(whole_pos, event_pos ?? 0, state_pos ?? 0)]),
  )
}
