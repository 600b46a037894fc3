import type { RoomId } from '../../matrix/ids.ts'
import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { sendRows } from '../many.ts'
import { rawRows, rawRun, rawSend } from '../run.ts'
import { EVENT_COLUMNS, type EventRow } from './events.ts'

export interface RoomRow {
  nid: number
  room_id: RoomId
  version: string
  is_public: number
  state_nid: number | null
  /** Position at which the last join without members was completed. */
  whole_pos: number
  /** Our join, of a room whose members are not known yet. */
  partial_join_nid: number | null
}

const ROOM = `nid, room_id, version, is_public, state_nid, whole_pos,
  (select p.join_nid from partial_room p where p.room_nid = room.nid) as partial_join_nid`

export async function findRoom(db: Db, roomId: string): Promise<RoomRow | undefined> {
  return (await rawRows<RoomRow>(db, `select ${ROOM} from room where room_id = ?`, [roomId]))[0]
}

export async function findRoomByNid(db: Db, nid: number): Promise<RoomRow | undefined> {
  return (await rawRows<RoomRow>(db, `select ${ROOM} from room where nid = ?`, [nid]))[0]
}

export async function insertRoom(tx: Tx, roomId: string, version: string): Promise<number> {
  const [row] = await rawRows<{ nid: number }>(tx, 'insert into room (room_id, version) values (?, ?) returning nid', [
    roomId,
    version,
  ])
  if (!row) throw new Error('The room got no number')
  return row.nid
}

/** Makes a room known that is elsewhere. Its version is the one that was named last, until we have been in it. */
export async function ensureRoom(tx: Tx, roomId: string, version: string): Promise<void> {
  await rawRun(
    tx,
    `insert into room (room_id, version) values (?, ?) on conflict (room_id) do update set version = excluded.version
     where room.version <> excluded.version and not exists (select 1 from extremity x where x.room_nid = room.nid)`,
    [roomId, version],
  )
}

export function updateRoomState(tx: Tx, roomNid: number, stateNid: number): void {
  rawSend(tx, 'update room set state_nid = ? where nid = ?', [stateNid, roomNid])
}

/** Notes whether the current state lets everybody join; tells whether that is new. */
export async function updateOpenToJoin(tx: Tx, roomNid: number, isOpen: boolean): Promise<boolean> {
  const sql = 'update room set open_to_join = ? where nid = ? and open_to_join <> ?'
  return (await rawRun(tx, sql, [isOpen ? 1 : 0, roomNid, isOpen ? 1 : 0])) > 0
}

/** Notes whether the current state lets everybody read; tells whether that is new. */
export async function updateOpenToRead(tx: Tx, roomNid: number, isOpen: boolean): Promise<boolean> {
  const sql = 'update room set open_to_read = ? where nid = ? and open_to_read <> ?'
  return (await rawRun(tx, sql, [isOpen ? 1 : 0, roomNid, isOpen ? 1 : 0])) > 0
}

/** Whether everybody may join or read the room. */
export async function isOpen(db: Db, roomNid: number): Promise<boolean> {
  const sql = 'select 1 from room where nid = ? and (open_to_join = 1 or open_to_read = 1)'
  return (await rawRows(db, sql, [roomNid])).length > 0
}

/** The forward extremities of a room: the events that no other one follows yet, in the order they were stored. */
export const listExtremities = (db: Db, roomNid: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `select ${EVENT_COLUMNS} from extremity x join event e on e.nid = x.event_nid where x.room_nid = ?
     order by x.event_nid`,
    [roomNid],
  )

/** SQLite takes no more than a thousand alternatives. */
const MAX_REMOVED = 200

/** A forward extremity: the numbers of a room and of an event in it. */
export type Extremity = readonly [roomNid: number, eventNid: number]

/**
 * Replaces forward extremities. The transaction fails with `otherwise` when those to be replaced are not there: another
 * process has appended to a room meanwhile.
 */
export function replaceExtremities(
  tx: Tx,
  removed: readonly Extremity[],
  added: readonly Extremity[],
  otherwise: () => Error,
): void {
  for (const part of chunks(removed, MAX_REMOVED)) {
    const sql = `delete from extremity where ${part.map(() => '(room_nid = ? and event_nid = ?)').join(' or ')}`
    rawSend(tx, sql, part.flat(), { rows: part.length, otherwise })
  }
  sendRows(tx, 'extremity (room_nid, event_nid)', added)
}
