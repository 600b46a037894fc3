import type { RoomId } from '../../matrix/ids.ts'
import type { Db } from '../db.ts'
import { rowsIn } from '../many.ts'
import { rawRows } from '../run.ts'

const SHARED = `from membership m join membership o on o.room_nid = m.room_nid
  where m.user_nid = ? and m.membership = 'join' and o.membership = 'join'
    and o.user_nid = (select nid from name where text = ?)`

/** Rooms that two users are joined to, by number, from the one behind `after` on. */
export const listSharedRooms = (
  db: Db,
  userNid: number,
  otherId: string,
  after: number,
  limit: number,
): Promise<{ room_nid: number; room_id: RoomId }[]> =>
  rawRows(
    db,
    `select s.room_nid, r.room_id from (select m.room_nid ${SHARED} and m.room_nid > ? order by m.room_nid limit ?) s
     join room r on r.nid = s.room_nid order by s.room_nid`,
    [userNid, otherId, after, limit],
  )

export async function countSharedRooms(db: Db, userNid: number, otherId: string): Promise<number> {
  const rows = await rawRows<{ n: number }>(db, `select count(*) as n ${SHARED}`, [userNid, otherId])
  return rows[0]?.n ?? 0
}

/** Whether any local user is joined to a room that this one is joined to. */
export async function meetsLocalUser(db: Db, userNid: number): Promise<boolean> {
  const sql = `select 1 from membership m join membership o on o.room_nid = m.room_nid
    where m.user_nid = ? and m.membership = 'join' and o.membership = 'join' and o.is_local = 1 limit 1`
  return (await rawRows(db, sql, [userNid])).length > 0
}

/** Which rooms these users are joined to. */
export const listJoinedRooms = (
  db: Db,
  userNids: readonly number[],
): Promise<{ user_nid: number; room_nid: number }[]> =>
  rowsIn(db, `select user_nid, room_nid from membership where membership = 'join' and user_nid in`, userNids)
