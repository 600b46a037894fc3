import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn, runIn } from '../many.ts'
import { rawRows, rawRun } from '../run.ts'

/** A user as the directory shows one: by the public profile, or as a member of a room. */
export interface DirectoryUser {
  readonly userNid: number
  readonly userId: UserId
  readonly displayName: string | undefined
  readonly avatarUrl: string | undefined
  /** What else the user is found by: department, position, extension. */
  readonly details: string | undefined
}

/** Whether it is in a room that everybody may join or read, and so is known to everybody. */
interface Openness {
  readonly isOpen: boolean
}

interface Row {
  user_nid: number
  user_id: UserId
  display_name: string | null
  avatar_url: string | null
  details: string | null
  is_open: number
}

const toUser = (row: Row): DirectoryUser & Openness => ({
  userNid: row.user_nid,
  userId: row.user_id,
  displayName: row.display_name ?? undefined,
  avatarUrl: row.avatar_url ?? undefined,
  details: row.details ?? undefined,
  isOpen: row.is_open === 1,
})

const COLUMNS = 'u.user_nid, u.user_id, u.display_name, u.avatar_url, u.details, u.is_open'

export async function findUser(db: Db, userNid: number): Promise<DirectoryUser | undefined> {
  const [row] = await rawRows<Row>(db, `select ${COLUMNS} from directory_user u where u.user_nid = ?`, [userNid])
  return row && toUser(row)
}

export async function upsertUser(tx: Tx, user: DirectoryUser): Promise<void> {
  await rawRun(
    tx,
    `insert into directory_user (user_nid, user_id, display_name, avatar_url, details) values (?, ?, ?, ?, ?)
     on conflict (user_nid) do update set display_name = excluded.display_name, avatar_url = excluded.avatar_url,
       details = excluded.details`,
    [user.userNid, user.userId, user.displayName ?? null, user.avatarUrl ?? null, user.details ?? null],
  )
}

export async function deleteUser(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from directory_user where user_nid = ?', [userNid])
}

export async function insertTerms(tx: Tx, userNid: number, terms: readonly string[]): Promise<void> {
  await insertRows(
    tx,
    'directory_term (term, user_nid)',
    terms.map((term) => [term, userNid]),
    'on conflict do nothing',
  )
}

export async function deleteTerms(tx: Tx, userNid: number, terms: readonly string[]): Promise<void> {
  await runIn(tx, 'delete from directory_term where user_nid = ? and term in', terms, [userNid])
}

/** A place in the index. */
export interface TermPlace {
  readonly term: string
  readonly userNid: number
}

/** A page of users with a term in [from, to), in order of term and number; `after` is exclusive. A user may come twice. */
export async function listByTerm(
  db: Db,
  range: { readonly from: string; readonly to: string },
  after: TermPlace | undefined,
  limit: number,
): Promise<(DirectoryUser & Openness & { readonly term: string })[]> {
  const { term, userNid } = after ?? { term: range.from, userNid: -1 }
  const rows = await rawRows<Row & { term: string }>(
    db,
    `select ${COLUMNS}, t.term from directory_term t join directory_user u on u.user_nid = t.user_nid
     where (t.term, t.user_nid) > (?, ?) and t.term < ? order by t.term, t.user_nid limit ?`,
    [term, userNid, range.to, limit],
  )
  return rows.map((row) => ({ ...toUser(row), term: row.term }))
}

/** The users with these numbers, in no order. */
export async function usersByNid(db: Db, userNids: readonly number[]): Promise<DirectoryUser[]> {
  const sql = `select ${COLUMNS} from directory_user u where u.user_nid in`
  return (await rowsIn<Row>(db, sql, userNids)).map(toUser)
}

/** Up to `limit` memberships of those who share a room with the viewer: a user comes once for each shared room. */
export async function listNeighbours(db: Db, viewerNid: number, limit: number): Promise<number[]> {
  const rows = await rawRows<{ user_nid: number }>(
    db,
    `select m.user_nid from membership v join membership m on m.room_nid = v.room_nid and m.membership = 'join'
     where v.user_nid = ? and v.membership = 'join' limit ?`,
    [viewerNid, limit],
  )
  return rows.map((row) => row.user_nid)
}

/** Those of the users who share a room with the viewer. */
export async function listSharing(db: Db, viewerNid: number, userNids: readonly number[]): Promise<number[]> {
  const rows = await rowsIn<{ user_nid: number }>(
    db,
    `select distinct m.user_nid from membership m join membership v on v.room_nid = m.room_nid
     where v.user_nid = ? and v.membership = 'join' and m.membership = 'join' and m.user_nid in`,
    userNids,
    [viewerNid],
  )
  return rows.map((row) => row.user_nid)
}

/** Whether the viewer may know of the other user: by a room that they share, or one that is open to everybody. */
export async function isKnown(db: Db, viewerNid: number, otherNid: number): Promise<boolean> {
  const user = await rawRows(db, 'select 1 from directory_user where user_nid = ? and is_open = 1', [otherNid])
  return user.length > 0 || (await listSharing(db, viewerNid, [otherNid])).length > 0
}

// ---- is_open --------------------------------------------------------------------------------------------------------

const IN_OPEN_ROOM = `case when exists (
  select 1 from membership m join room r on r.nid = m.room_nid
  where m.user_nid = directory_user.user_nid and m.membership = 'join' and (r.open_to_join = 1 or r.open_to_read = 1)
) then 1 else 0 end`

/** Brings `is_open` of these users up to date. */
export async function refreshOpen(tx: Tx, userNids: readonly number[]): Promise<void> {
  await runIn(tx, `update directory_user set is_open = ${IN_OPEN_ROOM} where user_nid in`, userNids)
}

/** A page of the numbers of those joined to a room; `after` is exclusive. */
export async function listJoinedNids(db: Db, roomNid: number, after: number, limit: number): Promise<number[]> {
  const rows = await rawRows<{ user_nid: number }>(
    db,
    `select user_nid from membership where room_nid = ? and membership = 'join' and user_nid > ?
     order by user_nid limit ?`,
    [roomNid, after, limit],
  )
  return rows.map((row) => row.user_nid)
}

/** Those of the users who can be found though they are in no room any more. */
export async function listRoomless(db: Db, userNids: readonly number[]): Promise<number[]> {
  const rows = await rowsIn<{ user_nid: number }>(
    db,
    `select u.user_nid from directory_user u where not exists
       (select 1 from membership m where m.user_nid = u.user_nid and m.membership = 'join') and u.user_nid in`,
    userNids,
  )
  return rows.map((row) => row.user_nid)
}

/** The member events of those of these members of a room who are of other servers, as JSON texts. */
export async function listRemoteMembers(
  db: Db,
  roomNid: number,
  userNids: readonly number[],
): Promise<{ userNid: number; userId: UserId; json: string }[]> {
  const rows = await rowsIn<{ user_nid: number; user_id: UserId; json: string }>(
    db,
    `select m.user_nid, n.text as user_id, e.json from membership m join name n on n.nid = m.user_nid
     join event e on e.nid = m.event_nid
     where m.room_nid = ? and m.membership = 'join' and m.is_local = 0 and m.user_nid in`,
    userNids,
    [roomNid],
  )
  return rows.map((row) => ({ userNid: row.user_nid, userId: row.user_id, json: row.json }))
}

/** A room whose members have to follow: in `is_open`, and those of other servers by being there at all. */
export interface Refresh {
  readonly roomNid: number
  /** Counts the changes. */
  readonly version: number
  /** Members up to this one have followed. */
  readonly afterUserNid: number
}

/** The members of this room have to follow, from the first one on. */
export async function queueRefresh(tx: Tx, roomNid: number): Promise<void> {
  await rawRun(
    tx,
    `insert into directory_refresh (room_nid, version, after_user_nid) values (?, 1, -1)
     on conflict (room_nid) do update set version = directory_refresh.version + 1, after_user_nid = -1`,
    [roomNid],
  )
}

export async function findRefresh(db: Db): Promise<Refresh | undefined> {
  const [row] = await rawRows<{ room_nid: number; version: number; after_user_nid: number }>(
    db,
    'select room_nid, version, after_user_nid from directory_refresh order by room_nid limit 1',
  )
  return row && { roomNid: row.room_nid, version: row.version, afterUserNid: row.after_user_nid }
}

/** Notes how far it has come; nothing, if the room has changed again. */
export async function updateRefresh(tx: Tx, { roomNid, version }: Refresh, afterUserNid: number): Promise<void> {
  const sql = 'update directory_refresh set after_user_nid = ? where room_nid = ? and version = ?'
  await rawRun(tx, sql, [afterUserNid, roomNid, version])
}

export async function deleteRefresh(tx: Tx, { roomNid, version }: Refresh): Promise<void> {
  await rawRun(tx, 'delete from directory_refresh where room_nid = ? and version = ?', [roomNid, version])
}
