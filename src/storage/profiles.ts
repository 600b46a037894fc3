import type { RoomId, UserId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

/** One field of a profile; `value` is JSON text. */
export interface ProfileField {
  readonly field: string
  readonly value: string
}

/** The profile of a user of this server, in order of its fields. */
export const listFields = (db: Db, userNid: number): Promise<ProfileField[]> =>
  rawRows<ProfileField>(db, 'select field, value from profile where user_nid = ? order by field', [userNid])

export async function upsertField(tx: Tx, userNid: number, field: string, value: string): Promise<void> {
  await rawRun(
    tx,
    `insert into profile (user_nid, field, value) values (?, ?, ?)
     on conflict (user_nid, field) do update set value = excluded.value`,
    [userNid, field, value],
  )
}

export async function deleteField(tx: Tx, userNid: number, field: string): Promise<void> {
  await rawRun(tx, 'delete from profile where user_nid = ? and field = ?', [userNid, field])
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
  const rows = await rawRows<{ room_nid: number; room_id: string }>(
    db,
    `select m.room_nid, r.room_id from membership m join room r on r.nid = m.room_nid
     where m.user_nid = ? and m.membership = 'join' and m.room_nid > ? order by m.room_nid limit ?`,
    [userNid, after, limit],
  )
  return rows.map((row) => ({ roomNid: row.room_nid, roomId: row.room_id as RoomId }))
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
