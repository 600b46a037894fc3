import type { Db } from './db.ts'
import { rawRows } from './run.ts'

/**
 * Rooms that the user is joined to and in which events, state changes, receipts or the last of the members came after
 * this position: for the first sync after a restart, when memory does not know yet.
 */
export async function listChangedRooms(db: Db, userNid: number, after: number): Promise<Set<number>> {
  const rows = await rawRows<{ room_nid: number }>(
    db,
    `select m.room_nid from membership m where m.user_nid = ? and m.membership = 'join' and (
       exists (select 1 from event e where e.room_nid = m.room_nid and e.pos > ?)
       or exists (select 1 from state_change s where s.room_nid = m.room_nid and s.pos > ?)
       or exists (select 1 from receipt r where r.room_nid = m.room_nid and r.pos > ?)
       or exists (select 1 from room o where o.nid = m.room_nid and o.whole_pos > ?))`,
    [userNid, after, after, after, after],
  )
  return new Set(rows.map((row) => row.room_nid))
}
