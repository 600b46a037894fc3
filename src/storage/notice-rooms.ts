import type { RoomId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

/** The room in which the server speaks to a user. */
export async function findNoticeRoom(db: Db, userNid: number): Promise<RoomId | undefined> {
  const sql = 'select r.room_id from notice_room n join room r on r.nid = n.room_nid where n.user_nid = ?'
  const [row] = await rawRows<{ room_id: RoomId }>(db, sql, [userNid])
  return row?.room_id
}

export async function upsertNoticeRoom(tx: Tx, userNid: number, roomNid: number): Promise<void> {
  await rawRun(
    tx,
    `insert into notice_room (user_nid, room_nid) values (?, ?)
     on conflict (user_nid) do update set room_nid = excluded.room_nid`,
    [userNid, roomNid],
  )
}
