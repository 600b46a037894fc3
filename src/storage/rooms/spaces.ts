import type { Db } from '../db.ts'
import { places, rawRows } from '../run.ts'
import { type EventRow, selectEvents } from './events.ts'

/** Events of one type in the current state of a room: at most `limit`, those whose keys were heard of first. */
export const listStateOfType = (db: Db, roomNid: number, type: string, limit: number): Promise<EventRow[]> =>
  selectEvents(
    db,
    `from current_state s join event e on e.nid = s.event_nid
     where s.room_nid = ? and s.type_nid = (select nid from name where text = ?) order by s.key_nid limit ?`,
    [roomNid, type, limit],
  )

/** Whether a server has members in one of these rooms. */
export async function isServerInAny(db: Db, server: string, roomIds: readonly string[]): Promise<boolean> {
  if (roomIds.length === 0) return false
  const rows = await rawRows(
    db,
    `select 1 from name n join room_server s on s.server_nid = n.nid join room r on r.nid = s.room_nid
     where n.text = ? and s.joined > 0 and r.room_id in (${places(roomIds.length)}) limit 1`,
    [server, ...roomIds],
  )
  return rows.length > 0
}

/** Whether one of the `among` longest standing invites to a room is for a user of this server. */
export async function isServerInvited(db: Db, roomNid: number, server: string, among: number): Promise<boolean> {
  const rows = await rawRows(
    db,
    `select 1 from (select user_nid from membership where room_nid = ? and membership = 'invite' order by pos limit ?) m
     join name n on n.nid = m.user_nid where substr(n.text, length(n.text) - ?) = ? limit 1`,
    [roomNid, among, server.length, `:${server}`],
  )
  return rows.length > 0
}
