import type { RoomId, UserId } from '../../matrix/ids.ts'
import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { places, rawRows, rawRun } from '../run.ts'

/** One field of a profile; `value` is JSON text. */
export interface ProfileField {
  readonly field: string
  readonly value: string
}

/** The profile of a user of this server, in order of its fields. */
export const listFields = (db: Db, userNid: number): Promise<ProfileField[]> =>
  rawRows<ProfileField>(
    db,
    'select field, value from profile where user_nid = ? and value is not null order by field',
    [userNid],
  )

/** `pos`: the position at which it changed. */
export async function upsertField(tx: Tx, userNid: number, field: string, value: string, pos: number): Promise<void> {
  await rawRun(
    tx,
    `insert into profile (user_nid, field, value, pos) values (?, ?, ?, ?)
     on conflict (user_nid, field) do update set value = excluded.value, pos = excluded.pos`,
    [userNid, field, value, pos],
  )
}

/** Fields that were taken away and are still told of, the newest ones. */
const MAX_CLEARED = 100

export async function clearField(tx: Tx, userNid: number, field: string, pos: number): Promise<void> {
  const sql = 'update profile set value = null, pos = ? where user_nid = ? and field = ? and value is not null'
  if ((await rawRun(tx, sql, [pos, userNid, field])) === 0) return
  await rawRun(
    tx,
    `delete from profile where user_nid = ? and value is null and pos <=
       (select pos from profile where user_nid = ? and value is null order by pos desc limit 1 offset ?)`,
    [userNid, userNid, MAX_CLEARED],
  )
}

/** A field of somebody's profile as others are told of it. */
export interface FieldNews {
  readonly user_id: UserId
  readonly field: string
  /** JSON text; null: it was taken away. */
  readonly value: string | null
}

const NEWS = 'select n.text as user_id, p.field, p.value from'
const fieldIn = (fields: readonly string[] | undefined): string =>
  fields === undefined ? '' : `and p.field in (${places(fields.length)})`

/** What changed in (`after`, `upTo`] in the viewer's profile and in those of users with whom the viewer shares a room. */
export const listFieldChanges = (
  db: Db,
  viewerNid: number,
  after: number,
  upTo: number,
  fields: readonly string[] | undefined,
): Promise<FieldNews[]> =>
  rawRows(
    db,
    `${NEWS} profile p join name n on n.nid = p.user_nid where p.pos > ? and p.pos <= ? ${fieldIn(fields)}
     and (p.user_nid = ? or exists (
       select 1 from membership v join membership m on m.room_nid = v.room_nid
       where v.user_nid = ? and v.membership = 'join' and m.user_nid = p.user_nid and m.membership = 'join'))
     order by p.pos`,
    [after, upTo, ...(fields ?? []), viewerNid, viewerNid],
  )

const ROOMS_AT_ONCE = 500

/** The profiles of this server's users who joined one of the rooms after a position; 0: of all who are in one. */
export async function listFieldsOfMembers(
  db: Db,
  roomNids: readonly number[],
  after: number,
  fields: readonly string[] | undefined,
): Promise<FieldNews[]> {
  const found: FieldNews[] = []
  for (const part of chunks(roomNids, ROOMS_AT_ONCE)) {
    const sql = `${NEWS} profile p join name n on n.nid = p.user_nid where p.value is not null ${fieldIn(fields)}
      and p.user_nid in (
        select m.user_nid from membership m where m.room_nid in (${places(part.length)}) and m.membership = 'join'
        and m.is_local = 1 and m.pos > ? and m.since_pos > ?)`
    found.push(...(await rawRows<FieldNews>(db, sql, [...(fields ?? []), ...part, after, after])))
  }
  return found
}

/** Deletes a whole profile. */
export async function deleteProfile(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from profile where user_nid = ?', [userNid])
  await rawRun(tx, 'delete from profile_propagation where user_nid = ?', [userNid])
}

/** A page of the rooms that the user is in, in order of their numbers; `after` is exclusive. */
export async function listJoinedRooms(
  db: Db,
  userNid: number,
  after: number,
  limit: number,
): Promise<{ roomNid: number; roomId: RoomId }[]> {
  const rows = await rawRows<{ room_nid: number; room_id: RoomId }>(
    db,
    `select m.room_nid, r.room_id from membership m join room r on r.nid = m.room_nid
     where m.user_nid = ? and m.membership = 'join' and m.room_nid > ? order by m.room_nid limit ?`,
    [userNid, after, limit],
  )
  return rows.map((row) => ({ roomNid: row.room_nid, roomId: row.room_id }))
}

/** A user whose member events still have to follow a change of the profile. */
export interface Propagation {
  readonly userNid: number
  readonly userId: UserId
  /** Counts the changes. */
  readonly version: number
  /** Rooms up to this one have theirs. */
  readonly afterRoomNid: number
}

/** The user's member events have to follow, from the first room on. */
export async function queuePropagation(tx: Tx, userNid: number): Promise<void> {
  await rawRun(
    tx,
    `insert into profile_propagation (user_nid, version, after_room_nid) values (?, 1, 0)
     on conflict (user_nid) do update set version = profile_propagation.version + 1, after_room_nid = 0`,
    [userNid],
  )
}

export async function listPropagations(db: Db, after: number, limit: number): Promise<Propagation[]> {
  const rows = await rawRows<{ user_nid: number; text: string; version: number; after_room_nid: number }>(
    db,
    `select p.user_nid, n.text, p.version, p.after_room_nid
     from profile_propagation p join name n on n.nid = p.user_nid where p.user_nid > ? order by p.user_nid limit ?`,
    [after, limit],
  )
  return rows.map((row) => ({
    userNid: row.user_nid,
    userId: row.text as UserId,
    version: row.version,
    afterRoomNid: row.after_room_nid,
  }))
}

/** Notes how far it has come; nothing, if the profile has changed again. */
export async function updatePropagation(
  tx: Tx,
  { userNid, version }: Propagation,
  afterRoomNid: number,
): Promise<void> {
  const sql = 'update profile_propagation set after_room_nid = ? where user_nid = ? and version = ?'
  await rawRun(tx, sql, [afterRoomNid, userNid, version])
}

/** It has reached every room; unless the profile has changed again. */
export async function deletePropagation(tx: Tx, { userNid, version }: Propagation): Promise<void> {
  await rawRun(tx, 'delete from profile_propagation where user_nid = ? and version = ?', [userNid, version])
}
