import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

/** A file under its media id. Without a hash it was announced only, and its content may arrive until `expiresTs`. */
export interface MediaRow {
  readonly userNid: number
  readonly hash: string | null
  readonly bytes: number | null
  readonly contentType: string | null
  readonly filename: string | null
  readonly expiresTs: number | null
}

/** What is known once the content is there. */
export interface MediaContent {
  /** SHA-256 of the content, in hexadecimal. */
  readonly hash: string
  readonly bytes: number
  readonly contentType: string
  readonly filename: string | undefined
}

export async function findMedia(db: Db | Tx, mediaId: string): Promise<MediaRow | undefined> {
  const [row] = await rawRows<MediaRow>(
    db,
    `select user_nid as "userNid", hash, bytes, content_type as "contentType", filename, expires_ts as "expiresTs"
     from media where media_id = ?`,
    [mediaId],
  )
  return row
}

export async function insertMedia(
  tx: Tx,
  mediaId: string,
  userNid: number,
  now: number,
  { hash, bytes, contentType, filename }: MediaContent,
): Promise<void> {
  const sql = `insert into media (media_id, user_nid, created_ts, hash, bytes, content_type, filename)
     values (?, ?, ?, ?, ?, ?, ?)`
  await rawRun(tx, sql, [mediaId, userNid, now, hash, bytes, contentType, filename ?? null])
}

export async function announceMedia(
  tx: Tx,
  mediaId: string,
  userNid: number,
  now: number,
  expiresTs: number,
): Promise<void> {
  const sql = 'insert into media (media_id, user_nid, created_ts, expires_ts) values (?, ?, ?, ?)'
  await rawRun(tx, sql, [mediaId, userNid, now, expiresTs])
}

/** Gives announced media its content; false where it has some already, or none was announced. */
export async function fillMedia(tx: Tx, mediaId: string, content: MediaContent): Promise<boolean> {
  const { hash, bytes, contentType, filename } = content
  const sql = `update media set hash = ?, bytes = ?, content_type = ?, filename = ?, expires_ts = null
     where media_id = ? and hash is null`
  return (await rawRun(tx, sql, [hash, bytes, contentType, filename ?? null, mediaId])) > 0
}

/** How many files the user has announced that may still arrive. */
export async function countAnnounced(tx: Tx, userNid: number, now: number): Promise<number> {
  const sql = 'select count(*) as count from media where user_nid = ? and expires_ts > ?'
  const [row] = await rawRows<{ count: number }>(tx, sql, [userNid, now])
  return Number(row?.count ?? 0)
}

/** Forgets what was announced and never came; returns how many rows, up to `limit`. */
export const deleteExpiredMedia = (tx: Tx, now: number, limit: number): Promise<number> =>
  rawRun(
    tx,
    'delete from media where media_id in (select media_id from media where expires_ts <= ? order by expires_ts limit ?)',
    [now, limit],
  )
