import type { UserId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { places, rawRows, rawRun, valueLists } from './run.ts'

/** A user as the directory shows one: by the public profile. */
export interface DirectoryUser {
  readonly userNid: number
  readonly userId: UserId
  readonly displayName: string | undefined
  readonly avatarUrl: string | undefined
}

interface Row {
  user_nid: number
  user_id: string
  display_name: string | null
  avatar_url: string | null
}

const toUser = (row: Row): DirectoryUser => ({
  userNid: row.user_nid,
  userId: row.user_id as UserId,
  displayName: row.display_name ?? undefined,
  avatarUrl: row.avatar_url ?? undefined,
})

const COLUMNS = 'u.user_nid, u.user_id, u.display_name, u.avatar_url'

export async function findUser(db: Db, userNid: number): Promise<DirectoryUser | undefined> {
  const [row] = await rawRows<Row>(db, `select ${COLUMNS} from directory_user u where u.user_nid = ?`, [userNid])
  return row && toUser(row)
}

export async function upsertUser(tx: Tx, user: DirectoryUser): Promise<void> {
  await rawRun(
    tx,
    `insert into directory_user (user_nid, user_id, display_name, avatar_url) values (?, ?, ?, ?)
     on conflict (user_nid) do update set display_name = excluded.display_name, avatar_url = excluded.avatar_url`,
    [user.userNid, user.userId, user.displayName ?? null, user.avatarUrl ?? null],
  )
}

export async function deleteUser(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from directory_user where user_nid = ?', [userNid])
}

export async function insertTerms(tx: Tx, userNid: number, terms: readonly string[]): Promise<void> {
  if (terms.length === 0) return
  const sql = `insert into directory_term (term, user_nid) values ${valueLists(terms.length, 2)} on conflict do nothing`
  await rawRun(
    tx,
    sql,
    terms.flatMap((term) => [term, userNid]),
  )
}

export async function deleteTerms(tx: Tx, userNid: number, terms: readonly string[]): Promise<void> {
  if (terms.length === 0) return
  const sql = `delete from directory_term where term in (${places(terms.length)}) and user_nid = ?`
  await rawRun(tx, sql, [...terms, userNid])
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
): Promise<(DirectoryUser & { readonly term: string })[]> {
  const { term, userNid } = after ?? { term: range.from, userNid: -1 }
  const rows = await rawRows<Row & { term: string }>(
    db,
    `select ${COLUMNS}, t.term from directory_term t join directory_user u on u.user_nid = t.user_nid
     where (t.term, t.user_nid) > (?, ?) and t.term < ? order by t.term, t.user_nid limit ?`,
    [term, userNid, range.to, limit],
  )
  return rows.map((row) => ({ ...toUser(row), term: row.term }))
}

/** Those of the users whom the viewer may know of: they share a room, or are in one that is open to everybody. */
export async function listVisible(db: Db, viewerNid: number, userNids: readonly number[]): Promise<Set<number>> {
  if (userNids.length === 0) return new Set()
  const rows = await rawRows<{ user_nid: number }>(
    db,
    `select u.user_nid from directory_user u where u.user_nid in (${places(userNids.length)}) and exists (
       select 1 from membership m where m.user_nid = u.user_nid and m.membership = 'join' and (
         exists (select 1 from membership v where v.room_nid = m.room_nid and v.user_nid = ? and v.membership = 'join')
         or exists (select 1 from room r where r.nid = m.room_nid and (r.open_to_join = 1 or r.open_to_read = 1))))`,
    [...userNids, viewerNid],
  )
  return new Set(rows.map((row) => row.user_nid))
}

/** The rooms that the user is in. */
export async function listJoinedRoomNids(db: Db, userNid: number, limit: number): Promise<number[]> {
  const sql = `select room_nid from membership where user_nid = ? and membership = 'join' order by room_nid limit ?`
  return (await rawRows<{ room_nid: number }>(db, sql, [userNid, limit])).map((row) => row.room_nid)
}

/** A page of those joined to a room, in order of their numbers; `after` is exclusive. */
export async function listInRoom(db: Db, roomNid: number, after: number, limit: number): Promise<DirectoryUser[]> {
  const rows = await rawRows<Row>(
    db,
    `select ${COLUMNS} from membership m join directory_user u on u.user_nid = m.user_nid
     where m.room_nid = ? and m.user_nid > ? and m.membership = 'join' order by m.user_nid limit ?`,
    [roomNid, after, limit],
  )
  return rows.map(toUser)
}
