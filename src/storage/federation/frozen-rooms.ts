import type { RoomId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { distinctIn } from '../distinct.ts'
import { runIn } from '../many.ts'
import { rawRows, rawRun } from '../run.ts'

/** Notes that a room is frozen because of a server. */
export async function insertFrozenRoom(tx: Tx, roomNid: number, serverNid: number, frozenTs: number): Promise<void> {
  const sql = 'insert into frozen_room (room_nid, server_nid, frozen_ts) values (?, ?, ?) on conflict do nothing'
  await rawRun(tx, sql, [roomNid, serverNid, frozenTs])
}

/** Servers have been listed: they freeze no room any more. */
export async function deleteFrozenRooms(tx: Tx, serverNids: readonly number[]): Promise<void> {
  await runIn(tx, 'delete from frozen_room where server_nid in', serverNids)
}

/** All of them: few, because a person looks into each. */
export const listFrozenRooms = (db: Db): Promise<{ room_id: RoomId; server: string }[]> =>
  rawRows(
    db,
    `select r.room_id, n.text as server from frozen_room f join room r on r.nid = f.room_nid
     join name n on n.nid = f.server_nid`,
  )

/** The servers that have joined members in any room. */
export async function listServersInRooms(db: Db): Promise<string[]> {
  const sql = `select n.text from name n where n.nid in (${distinctIn('room_server', 'server_nid')})
    and exists (select 1 from room_server s where s.server_nid = n.nid and s.joined > 0)`
  return (await rawRows<{ text: string }>(db, sql)).map(({ text }) => text)
}

/** The rooms in which a server has joined members. */
export const listRoomsOfServer = (db: Db, server: string): Promise<{ room_id: RoomId }[]> =>
  rawRows(
    db,
    `select r.room_id from room_server s join name n on n.nid = s.server_nid join room r on r.nid = s.room_nid
     where n.text = ? and s.joined > 0`,
    [server],
  )
