import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { insertRows } from '../many.ts'
import { places, rawRows } from '../run.ts'

/** When the devices or keys of a user last changed, and at which position the devices did; 0: never. */
export interface DeviceListRow {
  user_nid: number
  pos: number
  ts: number
  version: number
}

/** The version of a user's devices. */
export async function findListVersion(db: Db, userNid: number): Promise<number> {
  const sql = 'select version from device_list where user_nid = ?'
  return (await rawRows<{ version: number }>(db, sql, [userNid]))[0]?.version ?? 0
}

/** Notes that devices or keys of users changed. */
export async function upsertDeviceLists(tx: Tx, rows: readonly DeviceListRow[]): Promise<void> {
  await insertRows(
    tx,
    'device_list (user_nid, pos, ts, version)',
    rows.map(({ user_nid, pos, ts, version }) => [user_nid, pos, ts, version]),
    'on conflict (user_nid) do update set pos = excluded.pos, ts = excluded.ts, version = excluded.version',
  )
}

/** The local members of a room whose devices or keys changed at this time or later, latest first. */
export const listRecentlyChanged = (
  db: Db,
  roomNid: number,
  sinceTs: number,
  limit: number,
): Promise<{ user_nid: number; user_id: UserId }[]> =>
  rawRows(
    db,
    `select d.user_nid, n.text as user_id from device_list d
     join membership m on m.room_nid = ? and m.user_nid = d.user_nid and m.membership = 'join' and m.is_local = 1
     join name n on n.nid = d.user_nid where d.ts >= ? order by d.pos desc limit ?`,
    [roomNid, sinceTs, limit],
  )

/** The members of other servers in a room whose devices or keys changed after this position. */
export async function listChangedMembers(
  db: Db,
  roomNid: number,
  after: number,
): Promise<{ userNid: number; userId: UserId }[]> {
  const sql = `select d.user_nid, n.text from device_list d
    join membership m on m.room_nid = ? and m.user_nid = d.user_nid and m.membership = 'join' and m.is_local = 0
    join name n on n.nid = d.user_nid where d.pos > ?`
  const rows = await rawRows<{ user_nid: number; text: UserId }>(db, sql, [roomNid, after])
  return rows.map(({ user_nid, text }) => ({ userNid: user_nid, userId: text }))
}

const SHARED = `select 1 from membership a join membership b on b.room_nid = a.room_nid
  where a.user_nid = ? and a.membership = 'join' and b.membership = 'join'`

/** Whose devices or keys changed in (`after`, `upTo`], of the user and of those who share a room with them. */
export async function listChangedUsers(db: Db, userNid: number, after: number, upTo: number): Promise<string[]> {
  const sql = `select n.text from device_list d join name n on n.nid = d.user_nid
    where d.pos > ? and d.pos <= ? and (d.user_nid = ? or exists (${SHARED} and b.user_nid = d.user_nid))`
  const rows = await rawRows<{ text: string }>(db, sql, [after, upTo, userNid, userNid])
  return rows.map(({ text }) => text)
}

/**
 * The user as a member of these rooms, and the members whose memberships changed after a position. `entry` has SQLite find
 * those by the index of positions, which it takes only where nothing else is wanted of a row: otherwise everybody who hears
 * that one person came into a large room reads all of its members.
 */
const changedIn = (roomNids: readonly number[]) => `membership mine cross join membership entry cross join membership m
  where mine.user_nid = ? and mine.room_nid in (${places(roomNids.length)}) and entry.room_nid = mine.room_nid
    and entry.pos > ? and m.room_nid = entry.room_nid and m.user_nid = entry.user_nid and m.since_pos > ?`

/** The user as a member of those of these rooms that the user came into or left after a position, and their members. */
const membersOfNew = (roomNids: readonly number[]) => `membership mine cross join membership m
  where mine.user_nid = ? and mine.room_nid in (${places(roomNids.length)}) and mine.since_pos > ?
    and m.room_nid = mine.room_nid and m.membership = 'join'`

/**
 * Members of these rooms whom the user met after `after`: one of the two joined since, and they had no older room in
 * common. In their first room that is also the user.
 */
export async function listMet(db: Db, userNid: number, roomNids: readonly number[], after: number): Promise<string[]> {
  if (roomNids.length === 0) return []
  const sql = `select n.text from name n where n.nid in (
      select m.user_nid from ${changedIn(roomNids)} and mine.membership = 'join' and entry.membership = 'join'
      union select m.user_nid from ${membersOfNew(roomNids)} and mine.membership = 'join')
    and not exists (${SHARED} and b.user_nid = n.nid and a.since_pos <= ? and b.since_pos <= ?)`
  const changed = [userNid, ...roomNids, after, after]
  const params = [...changed, userNid, ...roomNids, after, userNid, after, after]
  return (await rawRows<{ text: string }>(db, sql, params)).map(({ text }) => text)
}

/** Members of these rooms whom the user lost after `after`: one of the two left since, and no room is shared now. */
export async function listParted(
  db: Db,
  userNid: number,
  roomNids: readonly number[],
  after: number,
): Promise<string[]> {
  if (roomNids.length === 0) return []
  const sql = `select n.text from name n where n.nid in (
      select m.user_nid from ${changedIn(roomNids)} and entry.membership in ('leave', 'ban')
        and (mine.membership = 'join' or mine.since_pos > ?)
      union select m.user_nid from ${membersOfNew(roomNids)} and mine.membership in ('leave', 'ban'))
    and n.nid <> ? and not exists (${SHARED} and b.user_nid = n.nid)`
  const changed = [userNid, ...roomNids, after, after, after]
  const params = [...changed, userNid, ...roomNids, after, userNid, userNid]
  return (await rawRows<{ text: string }>(db, sql, params)).map(({ text }) => text)
}

/** All local users who share a room with any of these. */
export async function listNeighbours(db: Db, userNids: readonly number[]): Promise<UserId[]> {
  // Each room and each member is looked at once: of a thousand users who share one room, a join would look at a million.
  const sql = `select text from name where nid in (select user_nid from membership
    where membership = 'join' and is_local = 1 and room_nid in (select room_nid from membership
      where membership = 'join' and user_nid in (${places(userNids.length)})))`
  return (await rawRows<{ text: UserId }>(db, sql, userNids)).map(({ text }) => text)
}
