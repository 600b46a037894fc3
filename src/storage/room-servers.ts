import type { Db } from './db.ts'
import { rawRows } from './run.ts'

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
