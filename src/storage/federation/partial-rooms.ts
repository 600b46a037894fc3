import type { RoomId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { insertRows } from '../many.ts'
import { type EventRow, selectEvents } from '../rooms/events.ts'
import { rawRows, rawRun } from '../run.ts'

/** A room that was joined without most of its members (see the migration). */
export interface PartialRoomRow {
  room_nid: number
  join_nid: number
  /** The state before the join, as far as it is known by now. */
  before_nid: number
  /** The server that let us in. */
  via: string
  attempts: number
  retry_at: number
}

export async function insertPartialRoom(tx: Tx, row: Omit<PartialRoomRow, 'attempts'>): Promise<void> {
  await rawRun(tx, 'insert into partial_room (room_nid, join_nid, before_nid, via, retry_at) values (?, ?, ?, ?, ?)', [
    row.room_nid,
    row.join_nid,
    row.before_nid,
    row.via,
    row.retry_at,
  ])
}

export async function findPartialRoom(db: Db, roomNid: number): Promise<PartialRoomRow | undefined> {
  return (await rawRows<PartialRoomRow>(db, 'select * from partial_room where room_nid = ?', [roomNid]))[0]
}

/** All of them, the longest due first. (A cross join has SQLite begin with them, and not with all rooms.) */
export const listPartialRooms = (db: Db): Promise<(PartialRoomRow & { room_id: RoomId })[]> =>
  rawRows(
    db,
    `select p.*, r.room_id from partial_room p cross join room r where r.nid = p.room_nid
     order by p.retry_at, p.room_nid`,
  )

/** Whether a server is said to be in a room of which not all members are known. (Those rooms are few, the server's many.) */
export async function isServerInPartialRoom(db: Db, server: string): Promise<boolean> {
  const sql = `select 1 from partial_room p cross join room_server s
    where s.room_nid = p.room_nid and s.server_nid = (select nid from name where text = ?) and s.joined > 0 limit 1`
  return (await rawRows(db, sql, [server])).length > 0
}

export async function updatePartialBefore(tx: Tx, roomNid: number, beforeNid: number): Promise<void> {
  await rawRun(tx, 'update partial_room set before_nid = ? where room_nid = ?', [beforeNid, roomNid])
}

export async function postponePartialRoom(tx: Tx, roomNid: number, attempts: number, retryAt: number): Promise<void> {
  await rawRun(tx, 'update partial_room set attempts = ?, retry_at = ? where room_nid = ?', [
    attempts,
    retryAt,
    roomNid,
  ])
}

export async function deletePartialRoom(tx: Tx, roomNid: number): Promise<void> {
  await rawRun(tx, 'delete from partial_room where room_nid = ?', [roomNid])
}

/** Notes that all members of a room are known, from this position on. */
export async function updateWholePos(tx: Tx, roomNid: number, pos: number): Promise<void> {
  await rawRun(tx, 'update room set whole_pos = ? where nid = ?', [pos, roomNid])
}

/** Notes events that are to be judged again, in this order. */
export async function insertPartialEvents(tx: Tx, joinNid: number, eventNids: readonly number[]): Promise<void> {
  await insertRows(
    tx,
    'partial_event (event_nid, join_nid)',
    eventNids.map((nid) => [nid, joinNid]),
    'on conflict (event_nid) do nothing',
  )
}

export async function deletePartialEvents(tx: Tx, joinNid: number): Promise<void> {
  await rawRun(tx, 'delete from partial_event where join_nid = ?', [joinNid])
}

/** Events that are to be judged again, in their order, after this one. */
export const listPartialEvents = (
  db: Db,
  joinNid: number,
  afterSeq: number,
  limit: number,
): Promise<(EventRow & { seq: number })[]> =>
  selectEvents<{ seq: number }>(
    db,
    'from partial_event p join event e on e.nid = p.event_nid where p.join_nid = ? and p.seq > ? order by p.seq limit ?',
    [joinNid, afterSeq, limit],
    'p.seq',
  )

/** Whether the state at an event was made up without knowing all members. */
export async function isPartialEvent(db: Db, eventNid: number): Promise<boolean> {
  return (await rawRows(db, 'select 1 from partial_event where event_nid = ?', [eventNid])).length > 0
}

/** Notes servers of which another one says that they are in the room: each counts as a member more. */
export async function insertPresumedServers(
  tx: Tx,
  roomNid: number,
  serverNids: readonly number[],
  sincePos: number,
): Promise<void> {
  await insertRows(
    tx,
    'room_server (room_nid, server_nid, joined, since_pos, presumed)',
    serverNids.map((nid) => [roomNid, nid, 1, sincePos, 1]),
    `on conflict (room_nid, server_nid) do update set joined = room_server.joined + 1, presumed = 1
     where room_server.presumed = 0`,
  )
}

/** From now on the servers are in the room whose members are. */
export async function deletePresumedServers(tx: Tx, roomNid: number): Promise<void> {
  await rawRun(tx, 'update room_server set joined = joined - 1, presumed = 0 where room_nid = ? and presumed = 1', [
    roomNid,
  ])
  await rawRun(tx, 'delete from room_server where room_nid = ? and joined <= 0', [roomNid])
}
