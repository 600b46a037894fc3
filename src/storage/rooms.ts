import type { Db, Tx } from './db.ts'
import type { EventRow } from './events.ts'
import { rawRows } from './run.ts'

export interface RoomRow {
  nid: number
  room_id: string
  version: string
  is_public: number
  state_nid: number | null
}

const ROOM = 'nid, room_id, version, is_public, state_nid'

export async function findRoom(db: Db, roomId: string): Promise<RoomRow | undefined> {
  return (await rawRows<RoomRow>(db, `select ${ROOM} from room where room_id = ?`, [roomId]))[0]
}

export async function findRoomByNid(db: Db, nid: number): Promise<RoomRow | undefined> {
  return (await rawRows<RoomRow>(db, `select ${ROOM} from room where nid = ?`, [nid]))[0]
}

export async function insertRoom(tx: Tx, roomId: string, version: string): Promise<number> {
  const rows = await rawRows<{ nid: number }>(tx, 'insert into room (room_id, version) values (?, ?) returning nid', [
    roomId,
    version,
  ])
  return (rows[0] as { nid: number }).nid
}

export async function updateRoomState(tx: Tx, roomNid: number, stateNid: number): Promise<void> {
  await rawRows(tx, 'update room set state_nid = ? where nid = ?', [stateNid, roomNid])
}

export const listExtremities = (db: Db, roomNid: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `select e.nid, e.event_id, e.room_nid, e.pos, e.depth, e.type_nid, e.sender_nid, e.key_nid, e.ts, e.kind, e.auth,
       e.auth_rank, e.state_nid, e.redacted_by_nid, e.reason, e.json
     from extremity x join event e on e.nid = x.event_nid where x.room_nid = ?`,
    [roomNid],
  )

/** Replaces the forward extremities of a room. The usual case, one for one, is a single update. */
export async function replaceExtremities(
  tx: Tx,
  roomNid: number,
  before: readonly number[],
  after: readonly number[],
): Promise<void> {
  const [old] = before
  const [next] = after
  if (old !== undefined && next !== undefined && before.length === 1 && after.length === 1) {
    await rawRows(tx, 'update extremity set event_nid = ? where room_nid = ? and event_nid = ?', [next, roomNid, old])
    return
  }
  for (const nid of before)
    await rawRows(tx, 'delete from extremity where room_nid = ? and event_nid = ?', [roomNid, nid])
  for (const nid of after)
    await rawRows(tx, 'insert into extremity (room_nid, event_nid) values (?, ?)', [roomNid, nid])
}

const STATE_EVENT = `select e.nid, e.event_id, e.room_nid, e.pos, e.depth, e.type_nid, e.sender_nid, e.key_nid, e.ts, e.kind,
  e.auth, e.auth_rank, e.state_nid, e.redacted_by_nid, e.reason, e.json
  from current_state s join event e on e.nid = s.event_nid`

/** The current state event of one type and state key. */
export async function findCurrentState(
  db: Db,
  roomNid: number,
  typeNid: number,
  keyNid: number,
): Promise<EventRow | undefined> {
  const rows = await rawRows<EventRow>(db, `${STATE_EVENT} where s.room_nid = ? and s.type_nid = ? and s.key_nid = ?`, [
    roomNid,
    typeNid,
    keyNid,
  ])
  return rows[0]
}

/** A page of the current state, ordered by (type, key); pass the last row's nids to go on. */
export const listCurrentState = (
  db: Db,
  roomNid: number,
  after: { typeNid: number; keyNid: number },
  limit: number,
): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `${STATE_EVENT} where s.room_nid = ? and (s.type_nid, s.key_nid) > (?, ?) order by s.type_nid, s.key_nid limit ?`,
    [roomNid, after.typeNid, after.keyNid, limit],
  )

/** The current state events of one type (all state keys). */
export const listCurrentStateOfType = (db: Db, roomNid: number, typeNid: number): Promise<EventRow[]> =>
  rawRows<EventRow>(db, `${STATE_EVENT} where s.room_nid = ? and s.type_nid = ?`, [roomNid, typeNid])

/** The current state without members, which are the only part of it that grows with the room's use. */
export const listCurrentStateExcept = (db: Db, roomNid: number, typeNid: number): Promise<EventRow[]> =>
  rawRows<EventRow>(db, `${STATE_EVENT} where s.room_nid = ? and s.type_nid <> ?`, [roomNid, typeNid])

/** State changes after a position: what `/sync`, the directory and other servers derive from. */
export interface StateChange {
  pos: number
  type_nid: number
  key_nid: number
  event_nid: number | null
  prev_event_nid: number | null
}

export const listStateChanges = (db: Db, roomNid: number, after: number, upTo: number): Promise<StateChange[]> =>
  rawRows<StateChange>(
    db,
    'select pos, type_nid, key_nid, event_nid, prev_event_nid from state_change where room_nid = ? and pos > ? and pos <= ? order by pos',
    [roomNid, after, upTo],
  )

/** Writes one change of the current state: the flat table and its `state_change` row, together. */
export async function changeCurrentState(tx: Tx, roomNid: number, change: StateChange): Promise<void> {
  const { pos, type_nid, key_nid, event_nid, prev_event_nid } = change
  if (event_nid === null) {
    await rawRows(tx, 'delete from current_state where room_nid = ? and type_nid = ? and key_nid = ?', [
      roomNid,
      type_nid,
      key_nid,
    ])
  } else {
    await rawRows(
      tx,
      `insert into current_state (room_nid, type_nid, key_nid, event_nid) values (?, ?, ?, ?)
       on conflict (room_nid, type_nid, key_nid) do update set event_nid = excluded.event_nid`,
      [roomNid, type_nid, key_nid, event_nid],
    )
  }
  await rawRows(
    tx,
    'insert into state_change (pos, room_nid, type_nid, key_nid, event_nid, prev_event_nid) values (?, ?, ?, ?, ?, ?)',
    [pos, roomNid, type_nid, key_nid, event_nid, prev_event_nid],
  )
}

// ---- membership -----------------------------------------------------------------------------------------------------

export interface MembershipRow {
  room_nid: number
  user_nid: number
  membership: string
  event_nid: number
  sender_nid: number
  pos: number
  is_local: number
  forgotten: number
  stripped_state: string | null
}

export async function upsertMembership(tx: Tx, row: Omit<MembershipRow, 'forgotten'>): Promise<void> {
  await rawRows(
    tx,
    `insert into membership (room_nid, user_nid, membership, event_nid, sender_nid, pos, is_local, forgotten, stripped_state)
     values (?, ?, ?, ?, ?, ?, ?, 0, ?)
     on conflict (room_nid, user_nid) do update set membership = excluded.membership, event_nid = excluded.event_nid,
       sender_nid = excluded.sender_nid, pos = excluded.pos, forgotten = 0, stripped_state = excluded.stripped_state`,
    [
      row.room_nid,
      row.user_nid,
      row.membership,
      row.event_nid,
      row.sender_nid,
      row.pos,
      row.is_local,
      row.stripped_state,
    ],
  )
}

export async function updateForgotten(tx: Tx, roomNid: number, userNid: number): Promise<void> {
  await rawRows(tx, 'update membership set forgotten = 1 where room_nid = ? and user_nid = ?', [roomNid, userNid])
}

export async function findMembership(db: Db, roomNid: number, userNid: number): Promise<MembershipRow | undefined> {
  return (
    await rawRows<MembershipRow>(db, 'select * from membership where room_nid = ? and user_nid = ?', [roomNid, userNid])
  )[0]
}

/** All rooms of a user, whatever the membership, with the room's id and version. */
export const listRoomsOfUser = (
  db: Db,
  userNid: number,
): Promise<(MembershipRow & { room_id: string; version: string })[]> =>
  rawRows(
    db,
    'select m.*, r.room_id, r.version from membership m join room r on r.nid = m.room_nid where m.user_nid = ?',
    [userNid],
  )

/** Members of a room with this membership: user ids and the flat row, in order of position. */
export const listMembers = (
  db: Db,
  roomNid: number,
  membership: string,
): Promise<(MembershipRow & { user_id: string })[]> =>
  rawRows(
    db,
    `select m.*, n.text as user_id from membership m join name n on n.nid = m.user_nid
     where m.room_nid = ? and m.membership = ? order by m.pos`,
    [roomNid, membership],
  )

/** Ids of the local users with this membership: whom a change of the room wakes. */
export async function listLocalMemberIds(db: Db, roomNid: number, membership: string): Promise<string[]> {
  const rows = await rawRows<{ user_id: string }>(
    db,
    `select n.text as user_id from membership m join name n on n.nid = m.user_nid
     where m.room_nid = ? and m.membership = ? and m.is_local = 1`,
    [roomNid, membership],
  )
  return rows.map((row) => row.user_id)
}

export async function countMembers(db: Db, roomNid: number): Promise<Map<string, number>> {
  const rows = await rawRows<{ membership: string; n: number }>(
    db,
    'select membership, count(*) as n from membership where room_nid = ? group by membership',
    [roomNid],
  )
  return new Map(rows.map((row) => [row.membership, row.n]))
}
