import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { rowsIn, sendRows } from '../many.ts'
import { places, rawRows, rawRun, rawSend } from '../run.ts'

/** One row of `membership`: the current state's member events, flat. */
export interface MembershipRow {
  room_nid: number
  user_nid: number
  membership: string
  event_nid: number
  sender_nid: number
  /** Position of the last change. */
  pos: number
  /** Where this membership began: a change of the profile moves `pos` only. */
  since_pos: number
  is_local: number
  forgotten: number
  /** What the invited or knocking user is told of the room: JSON text. */
  stripped_state: string | null
}

const WRITTEN = [
  'room_nid',
  'user_nid',
  'membership',
  'event_nid',
  'sender_nid',
  'pos',
  'since_pos',
  'is_local',
  'stripped_state',
] as const satisfies readonly (keyof MembershipRow)[]

export type NewMembership = Omit<MembershipRow, 'forgotten' | 'since_pos'>

/** Sets memberships; of several rows for one user of a room the last counts. Who had forgotten the room sees it again. */
export function upsertMemberships(tx: Tx, rows: readonly NewMembership[]): void {
  const final = [...new Map(rows.map((row) => [`${row.room_nid} ${row.user_nid}`, row])).values()]
  sendRows(
    tx,
    `membership (${WRITTEN.join(', ')})`,
    final.map((row) => WRITTEN.map((name) => (name === 'since_pos' ? row.pos : row[name]))),
    `on conflict (room_nid, user_nid) do update set membership = excluded.membership, event_nid = excluded.event_nid,
       sender_nid = excluded.sender_nid, pos = excluded.pos, forgotten = 0, stripped_state = excluded.stripped_state,
       since_pos = case when membership.membership = excluded.membership then membership.since_pos
         else excluded.since_pos end`,
  )
}

export function deleteMembership(tx: Tx, roomNid: number, userNid: number): void {
  rawSend(tx, 'delete from membership where room_nid = ? and user_nid = ?', [roomNid, userNid])
}

/** Marks a room that a user has left as forgotten; false when the user is (again) in it. */
export async function updateForgotten(tx: Tx, roomNid: number, userNid: number): Promise<boolean> {
  const changed = await rawRun(
    tx,
    `update membership set forgotten = 1 where room_nid = ? and user_nid = ? and membership in ('leave', 'ban')`,
    [roomNid, userNid],
  )
  return changed > 0
}

export async function findMembership(db: Db, roomNid: number, userNid: number): Promise<MembershipRow | undefined> {
  const sql = 'select * from membership where room_nid = ? and user_nid = ?'
  return (await rawRows<MembershipRow>(db, sql, [roomNid, userNid]))[0]
}

/** What a user who is invited or knocks was told of the room, as JSON text. */
export async function findStrippedState(db: Db, roomNid: number, userId: string): Promise<string | undefined> {
  const sql = `select m.stripped_state from membership m join name n on n.nid = m.user_nid
    where m.room_nid = ? and n.text = ?`
  const [row] = await rawRows<{ stripped_state: string | null }>(db, sql, [roomNid, userId])
  return row?.stripped_state ?? undefined
}

/** The same for many rooms of one user, as far as there is any. */
export async function listStrippedStates(
  db: Db,
  userNid: number,
  roomNids: readonly number[],
): Promise<Map<number, string>> {
  const rows = await rowsIn<{ room_nid: number; stripped_state: string }>(
    db,
    'select room_nid, stripped_state from membership where stripped_state is not null and user_nid = ? and room_nid in',
    roomNids,
    [userNid],
  )
  return new Map(rows.map((row) => [row.room_nid, row.stripped_state]))
}

/** All rooms of a user, whatever the membership, with the room's id and version and who sent the member event. */
export const listRoomsOfUser = (
  db: Db,
  userNid: number,
): Promise<(MembershipRow & { room_id: RoomId; version: string; sender_id: UserId })[]> =>
  rawRows(
    db,
    `select m.*, r.room_id, r.version, n.text as sender_id from membership m join room r on r.nid = m.room_nid
     join name n on n.nid = m.sender_nid where m.user_nid = ?`,
    [userNid],
  )

/** Members of a room with this membership, longest unchanged first. */
export const listMembers = (
  db: Db,
  roomNid: number,
  membership: string,
  limit = Number.MAX_SAFE_INTEGER,
): Promise<(MembershipRow & { user_id: UserId })[]> =>
  rawRows(
    db,
    `select m.*, n.text as user_id from membership m join name n on n.nid = m.user_nid
     where m.room_nid = ? and m.membership = ? order by m.pos limit ?`,
    [roomNid, membership, limit],
  )

/** Whether a user is joined to one of these rooms; of a room that nobody here is in that is not known any more. */
export async function isJoinedToAny(db: Db, userId: string, roomIds: readonly string[]): Promise<boolean> {
  if (roomIds.length === 0) return false
  const rows = await rawRows(
    db,
    `select 1 from name n join membership m on m.user_nid = n.nid join room r on r.nid = m.room_nid
     where n.text = ? and m.membership = 'join' and r.room_id in (${places(roomIds.length)}) and exists
       (select 1 from membership l where l.room_nid = r.nid and l.membership = 'join' and l.is_local = 1) limit 1`,
    [userId, ...roomIds],
  )
  return rows.length > 0
}

/** Whether local users are joined to all of these rooms that there are: then it is known here who is in them. */
export async function haveLocalMembers(db: Db, roomIds: readonly string[]): Promise<boolean> {
  const wanted = [...new Set(roomIds)]
  if (wanted.length === 0) return true
  const rows = await rawRows<{ n: number }>(
    db,
    `select count(*) as n from room r where r.room_id in (${places(wanted.length)}) and exists
       (select 1 from membership m where m.room_nid = r.nid and m.membership = 'join' and m.is_local = 1)`,
    wanted,
  )
  return (rows[0]?.n ?? 0) === wanted.length
}

/** How many users are joined to each of these rooms. */
export async function countJoined(db: Db, roomNids: readonly number[]): Promise<Map<number, number>> {
  if (roomNids.length === 0) return new Map()
  const rows = await rawRows<{ room_nid: number; n: number }>(
    db,
    `select room_nid, count(*) as n from membership
     where membership = 'join' and room_nid in (${places(roomNids.length)}) group by room_nid`,
    roomNids,
  )
  return new Map(rows.map((row) => [row.room_nid, row.n]))
}

/** Numbers of the local users with this membership: whom a change of the room wakes. */
export async function listLocalMemberNids(db: Db, roomNid: number, membership: string): Promise<number[]> {
  const rows = await rawRows<{ user_nid: number }>(
    db,
    'select user_nid from membership where room_nid = ? and membership = ? and is_local = 1',
    [roomNid, membership],
  )
  return rows.map((row) => row.user_nid)
}

/** Numbers of the users of one server who are or were something in the room. */
export async function listMemberNidsOfServer(
  db: Db,
  roomNid: number,
  server: string,
  limit: number,
): Promise<number[]> {
  const rows = await rawRows<{ user_nid: number }>(
    db,
    `select m.user_nid from membership m join name n on n.nid = m.user_nid
     where m.room_nid = ? and substr(n.text, length(n.text) - ?) = ? limit ?`,
    [roomNid, server.length, `:${server}`, limit],
  )
  return rows.map((row) => row.user_nid)
}

/** Ids of the guests among the local users who are joined. */
export async function listJoinedGuests(db: Db, roomNid: number): Promise<UserId[]> {
  const rows = await rawRows<{ user_id: UserId }>(
    db,
    `select a.user_id from membership m join account a on a.user_nid = m.user_nid
     where m.room_nid = ? and m.membership = 'join' and m.is_local = 1 and a.is_guest = 1`,
    [roomNid],
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
