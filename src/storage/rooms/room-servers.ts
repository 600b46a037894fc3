import type { Db, Tx } from '../db.ts'
import { sendRows } from '../many.ts'
import { rawRows, rawSend } from '../run.ts'

/** How many more members a server has in a room than before. */
export interface RoomServerChange {
  roomNid: number
  serverNid: number
  joined: number
  /** Where that happens. */
  pos: number
}

/** Follows the memberships of rooms; called with every change of them. */
export function changeRoomServers(tx: Tx, changes: readonly RoomServerChange[]): void {
  sendRows(
    tx,
    'room_server (room_nid, server_nid, joined, since_pos)',
    changes.map(({ roomNid, serverNid, joined, pos }) => [roomNid, serverNid, joined, pos]),
    'on conflict (room_nid, server_nid) do update set joined = room_server.joined + excluded.joined',
  )
  for (const { roomNid, serverNid, joined } of changes) {
    if (joined >= 0) continue
    const sql = 'delete from room_server where room_nid = ? and server_nid = ? and joined <= 0'
    rawSend(tx, sql, [roomNid, serverNid])
  }
}

/** The servers in a room, with the number of their joined members. */
export async function countRoomServers(db: Db, roomNid: number): Promise<Map<string, number>> {
  const rows = await rawRows<{ text: string; joined: number }>(
    db,
    'select n.text, s.joined from room_server s join name n on n.nid = s.server_nid where s.room_nid = ? and s.joined > 0',
    [roomNid],
  )
  return new Map(rows.map(({ text, joined }) => [text, joined]))
}

/** The servers in any room that the user is joined to. */
export async function listServersOfUser(db: Db, userNid: number): Promise<string[]> {
  const rows = await rawRows<{ text: string }>(
    db,
    `select distinct n.text from membership m join room_server s on s.room_nid = m.room_nid
     join name n on n.nid = s.server_nid where m.user_nid = ? and m.membership = 'join' and s.joined > 0`,
    [userNid],
  )
  return rows.map(({ text }) => text)
}

/** The other servers in a room that share no other room with the user. */
export async function listServersMet(db: Db, userNid: number, roomNid: number, ownNid: number): Promise<string[]> {
  const rows = await rawRows<{ text: string }>(
    db,
    `select n.text from room_server s join name n on n.nid = s.server_nid
     where s.room_nid = ? and s.joined > 0 and s.server_nid <> ? and not exists
       (select 1 from membership m join room_server o on o.room_nid = m.room_nid and o.server_nid = s.server_nid
        where m.user_nid = ? and m.membership = 'join' and m.room_nid <> s.room_nid and o.joined > 0)`,
    [roomNid, ownNid, userNid],
  )
  return rows.map(({ text }) => text)
}

/** Whether a server has a joined member in a room that the user is joined to. */
export async function isServerInRoomOf(db: Db, server: string, userNid: number): Promise<boolean> {
  const rows = await rawRows(
    db,
    `select 1 from membership m join name n on n.text = ?
     join room_server s on s.room_nid = m.room_nid and s.server_nid = n.nid and s.joined > 0
     where m.user_nid = ? and m.membership = 'join' limit 1`,
    [server, userNid],
  )
  return rows.length > 0
}
