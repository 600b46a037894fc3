import type { UserId } from '../../matrix/ids.ts'
import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn, runIn } from '../many.ts'
import { places, rawRows, rawRun, valuesOf } from '../run.ts'

/** The copy of the device list of another server's user. */
export interface RemoteListRow {
  user_nid: number
  server_nid: number
  /** The last update it holds, as its server counts them; null: not known. */
  stream_id: number | null
  /** Where in our stream we began to read it. */
  pos: number
  is_stale: number
  /** How often it was found to be stale. */
  doubts: number
}

/** One device of such a user. `json`: its identity. */
export interface RemoteDeviceRow {
  user_nid: number
  device_id: string
  display_name: string | null
  json: string
}

/**
 * That its server tells us of changes: the user and one of ours have been in a room together without a break since the
 * list was read. Another room may have taken over from the one before; then the list is read once more than it need be.
 */
const KEPT_UP = `exists (select 1 from membership m
  join room_server s on s.room_nid = m.room_nid and s.server_nid = ? and s.joined > 0
  where m.user_nid = l.user_nid and m.membership = 'join' and m.since_pos <= l.pos and s.since_pos <= l.pos)`

/** The copies of these users' lists whose servers have told us of every change since. */
export const listRemoteLists = (db: Db, ownNid: number, userNids: readonly number[]): Promise<RemoteListRow[]> =>
  rowsIn(db, `select l.* from remote_list l where ${KEPT_UP} and l.user_nid in`, userNids, [ownNid])

/** Those of these users who are in a room with one of ours. */
export async function listInSight(db: Db, ownNid: number, userNids: readonly number[]): Promise<number[]> {
  const sql = `select distinct m.user_nid from membership m
    join room_server s on s.room_nid = m.room_nid and s.server_nid = ? and s.joined > 0
    where m.membership = 'join' and m.user_nid in`
  return (await rowsIn<{ user_nid: number }>(db, sql, userNids, [ownNid])).map(({ user_nid }) => user_nid)
}

/** Notes lists that must be read; those that are known stay as they are. */
export async function insertStale(
  tx: Tx,
  rows: readonly Pick<RemoteListRow, 'user_nid' | 'server_nid' | 'pos'>[],
): Promise<void> {
  await insertRows(
    tx,
    'remote_list (user_nid, server_nid, stream_id, pos, is_stale, doubts)',
    rows.map(({ user_nid, server_nid, pos }) => [user_nid, server_nid, null, pos, 1, 0]),
    'on conflict (user_nid) do nothing',
  )
}

/** These users' lists, whether they can be believed or not; they are held until the transaction ends. */
export async function lockRemoteLists(tx: Tx, userNids: readonly number[]): Promise<RemoteListRow[]> {
  if (userNids.length === 0) return []
  const sql = `update remote_list set pos = pos where user_nid in (${places(userNids.length)}) returning *`
  return rawRows<RemoteListRow>(tx, sql, userNids)
}

export async function upsertRemoteLists(tx: Tx, rows: readonly RemoteListRow[]): Promise<void> {
  await insertRows(
    tx,
    'remote_list (user_nid, server_nid, stream_id, pos, is_stale, doubts)',
    rows.map((row) => [row.user_nid, row.server_nid, row.stream_id, row.pos, row.is_stale, row.doubts]),
    `on conflict (user_nid) do update set stream_id = excluded.stream_id, pos = excluded.pos,
       is_stale = excluded.is_stale, doubts = excluded.doubts`,
  )
}

/** Has these users' lists be read again. */
export async function updateStale(tx: Tx, userNids: readonly number[]): Promise<void> {
  await runIn(tx, 'update remote_list set is_stale = 1, doubts = doubts + 1 where user_nid in', userNids)
}

/** Lists of a server that must be read again, from the one behind `after` on. */
export const listStale = (
  db: Db,
  server: string,
  after: number,
  limit: number,
): Promise<{ user_nid: number; user_id: UserId }[]> =>
  rawRows(
    db,
    `select l.user_nid, n.text as user_id from remote_list l join name n on n.nid = l.user_nid
     where l.is_stale = 1 and l.server_nid = (select nid from name where text = ?) and l.user_nid > ?
     order by l.user_nid limit ?`,
    [server, after, limit],
  )

/** The servers of whose users a list must be read again. */
export async function listStaleServers(db: Db): Promise<string[]> {
  const sql = `select n.text from (select distinct server_nid from remote_list where is_stale = 1) l
    join name n on n.nid = l.server_nid`
  return (await rawRows<{ text: string }>(db, sql)).map(({ text }) => text)
}

export const listRemoteDevices = (db: Db, userNids: readonly number[]): Promise<RemoteDeviceRow[]> =>
  rowsIn(db, 'select user_nid, device_id, display_name, json from remote_device where user_nid in', userNids)

export async function upsertRemoteDevices(tx: Tx, rows: readonly RemoteDeviceRow[]): Promise<void> {
  await insertRows(
    tx,
    'remote_device (user_nid, device_id, display_name, json)',
    rows.map(({ user_nid, device_id, display_name, json }) => [user_nid, device_id, display_name, json]),
    'on conflict (user_nid, device_id) do update set display_name = excluded.display_name, json = excluded.json',
  )
}

const MAX_DELETED = 500

export async function deleteRemoteDevices(
  tx: Tx,
  rows: readonly Pick<RemoteDeviceRow, 'user_nid' | 'device_id'>[],
): Promise<void> {
  for (const part of chunks(rows, MAX_DELETED)) {
    await rawRun(
      tx,
      `delete from remote_device where (user_nid, device_id) in (${valuesOf(part.length, 'bigint', 'text')})`,
      part.flatMap(({ user_nid, device_id }) => [user_nid, device_id]),
    )
  }
}

/** That one of our users is in a room with the user of a list. */
const IN_SIGHT = `exists (select 1 from membership m
  join room_server s on s.room_nid = m.room_nid and s.server_nid = ? and s.joined > 0
  where m.user_nid = remote_list.user_nid and m.membership = 'join')`

/** The next lists behind that of `after`, and whether a room is shared with each user. */
export const listSights = (
  db: Db,
  ownNid: number,
  after: number,
  limit: number,
): Promise<{ user_nid: number; in_sight: number }[]> =>
  rawRows(
    db,
    `select user_nid, case when ${IN_SIGHT} then 1 else 0 end as in_sight from remote_list
     where user_nid > ? order by user_nid limit ?`,
    [ownNid, after, limit],
  )

/** Forgets the lists of those of these users with whom no room is shared. */
export async function deleteOutOfSight(tx: Tx, ownNid: number, userNids: readonly number[]): Promise<void> {
  const rows = await rawRows<{ user_nid: number }>(
    tx,
    `delete from remote_list where not ${IN_SIGHT} and user_nid in (${places(userNids.length)}) returning user_nid`,
    [ownNid, ...userNids],
  )
  const gone = rows.map(({ user_nid }) => user_nid)
  await runIn(tx, 'delete from remote_device where user_nid in', gone)
  await runIn(tx, 'delete from cross_signing_key where user_nid in', gone)
}
