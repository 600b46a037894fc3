import type { RoomId } from '../../matrix/ids.ts'
import type { Db } from '../db.ts'
import { rowsIn } from '../many.ts'
import { nameNids } from '../names.ts'
import { rawRows } from '../run.ts'

export interface SearchedRoom {
  readonly room_nid: number
  readonly room_id: RoomId
  readonly membership: string
}

/** Rooms that a user is or was in, without those that the user has forgotten and those that are encrypted. */
export async function listSearchedRooms(db: Db, userNid: number): Promise<SearchedRoom[]> {
  const names = await nameNids(db, ['m.room.encryption', ''])
  return rawRows<SearchedRoom>(
    db,
    `select m.room_nid, r.room_id, m.membership from membership m join room r on r.nid = m.room_nid
     where m.user_nid = ? and m.membership in ('join', 'leave', 'ban') and m.forgotten = 0 and not exists
       (select 1 from current_state s where s.room_nid = m.room_nid and s.type_nid = ? and s.key_nid = ?)`,
    [userNid, names.get('m.room.encryption') ?? -1, names.get('') ?? -1],
  )
}

/** Every setting of the history visibility that these rooms ever had, as JSON texts of the events. */
export async function listVisibilities(
  db: Db,
  roomNids: readonly number[],
): Promise<{ room_nid: number; json: string }[]> {
  const typeNid = (await nameNids(db, ['m.room.history_visibility'])).get('m.room.history_visibility')
  if (typeNid === undefined) return []
  const sql = `select s.room_nid, e.json from state_change s join event e on e.nid = s.event_nid
    where s.type_nid = ? and s.room_nid in`
  return rowsIn(db, sql, roomNids, [typeNid])
}

/** The rooms in which users were who asked to be erased, by number. */
export async function listRoomsOfErased(db: Db): Promise<number[]> {
  const rows = await rawRows<{ room_nid: number }>(
    db,
    `select distinct m.room_nid from account a join membership m on m.user_nid = a.user_nid
     where a.deactivated = 1 and a.erased = 1`,
    [],
  )
  return rows.map((row) => row.room_nid)
}
