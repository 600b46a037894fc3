import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A version of a user's backup of room keys. */
export interface KeyBackup {
  readonly version: number
  readonly algorithm: string
  /** JSON text. */
  readonly authData: string
  /** How often its keys were changed. */
  readonly etag: number
  /** How many keys there are. */
  readonly count: number
}

interface Row {
  version: number
  algorithm: string
  auth_data: string
  etag: number
  sessions: number
}

const COLUMNS = 'version, algorithm, auth_data, etag, sessions'

const toBackup = ({ version, algorithm, auth_data, etag, sessions }: Row): KeyBackup => ({
  version,
  algorithm,
  authData: auth_data,
  etag,
  count: sessions,
})

/** The versions that were not deleted, the newest first. */
export async function listBackups(db: Db, userNid: number): Promise<KeyBackup[]> {
  const sql = `select ${COLUMNS} from key_backup where user_nid = ? and deleted = 0 order by version desc`
  return (await rawRows<Row>(db, sql, [userNid])).map(toBackup)
}

/** Makes the next version and returns its number, which no other version of the user ever had. */
export async function insertBackup(tx: Tx, userNid: number, algorithm: string, authData: string): Promise<number> {
  const [row] = await rawRows<{ version: number }>(
    tx,
    `insert into key_backup (user_nid, version, algorithm, auth_data)
     values (?, (select coalesce(max(b.version), 0) + 1 from key_backup b where b.user_nid = ?), ?, ?) returning version`,
    [userNid, userNid, algorithm, authData],
  )
  if (!row) throw new Error('A version was not inserted')
  return row.version
}

export async function updateAuthData(tx: Tx, userNid: number, version: number, authData: string): Promise<void> {
  const sql = 'update key_backup set auth_data = ? where user_nid = ? and version = ?'
  await rawRun(tx, sql, [authData, userNid, version])
}

/** Notes a change of the version's keys, by which they became so many more; returns the backup as it is then. */
export async function updateCount(tx: Tx, userNid: number, version: number, more: number): Promise<void> {
  const sql = 'update key_backup set etag = etag + 1, sessions = sessions + ? where user_nid = ? and version = ?'
  await rawRun(tx, sql, [more, userNid, version])
}

/** Whether the user has such a version, or had it. */
export async function hadBackup(tx: Tx, userNid: number, version: number): Promise<boolean> {
  const sql = 'select max(version) as newest from key_backup where user_nid = ?'
  const [row] = await rawRows<{ newest: number | null }>(tx, sql, [userNid])
  return version >= 1 && version <= (row?.newest ?? 0)
}

/** Takes versions out of sight, one or all. Their keys are deleted by `deletePieceOfDeleted`. */
export async function markDeleted(tx: Tx, userNid: number, version?: number): Promise<void> {
  const sql = `update key_backup set deleted = 1, auth_data = '{}' where user_nid = ?`
  if (version === undefined) await rawRun(tx, sql, [userNid])
  else await rawRun(tx, `${sql} and version = ?`, [userNid, version])
}

/** Deletes up to `limit` keys of deleted versions, and those versions that have none left; returns how many keys. */
export async function deletePieceOfDeleted(tx: Tx, limit: number): Promise<number> {
  const found = await rawRun(
    tx,
    `delete from key_backup_session where (user_nid, version, room_id, session_id) in
       (select s.user_nid, s.version, s.room_id, s.session_id from key_backup b
        join key_backup_session s on s.user_nid = b.user_nid and s.version = b.version where b.deleted = 1 limit ?)`,
    [limit],
  )
  if (found < limit) {
    await rawRun(
      tx,
      `delete from key_backup where deleted = 1 and exists
         (select 1 from key_backup b where b.user_nid = key_backup.user_nid and b.version > key_backup.version)`,
    )
  }
  return found
}
