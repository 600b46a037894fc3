import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** Names a file everywhere: `mxc://<serverName>/<mediaId>`. */
export interface MediaName {
  readonly serverName: string
  readonly mediaId: string
}

/** A file under its address. Without a hash it was announced only, and its content may arrive until `expiresTs`. */
export interface MediaRow {
  /** Who uploaded it; null for what another server's user did. */
  readonly userNid: number | null
  readonly createdTs: number
  /** When somebody last asked for it; null for our own users' files. */
  readonly usedTs: number | null
  readonly expiresTs: number | null
  readonly hash: string | null
  readonly bytes: number | null
  readonly contentType: string | null
  readonly filename: string | null
  /** Over 0: nobody gets it, by its address or by its content. */
  readonly quarantines: number
}

/** What is known once the content is there. */
export interface MediaContent {
  /** SHA-256 of the content, in hexadecimal. */
  readonly hash: string
  readonly bytes: number
  readonly contentType: string
  readonly filename: string | undefined
}

/** As people write it, and as the quarantine knows it. */
export const mediaAddress = ({ serverName, mediaId }: MediaName): string => `mxc://${serverName}/${mediaId}`

export async function findMedia(db: Db | Tx, name: MediaName): Promise<MediaRow | undefined> {
  const [row] = await rawRows<MediaRow>(
    db,
    `select user_nid as "userNid", created_ts as "createdTs", used_ts as "usedTs", expires_ts as "expiresTs", hash, bytes,
       content_type as "contentType", filename,
       (select count(*) from media_quarantine where what in (?, media.hash)) as quarantines
     from media where server_name = ? and media_id = ?`,
    [mediaAddress(name), name.serverName, name.mediaId],
  )
  return row
}

/** Keeps an uploaded file's address. */
export async function insertMedia(
  tx: Tx,
  { serverName, mediaId }: MediaName,
  userNid: number,
  now: number,
  { hash, bytes, contentType, filename }: MediaContent,
): Promise<void> {
  const sql = `insert into media (server_name, media_id, user_nid, created_ts, hash, bytes, content_type, filename)
     values (?, ?, ?, ?, ?, ?, ?, ?)`
  await rawRun(tx, sql, [serverName, mediaId, userNid, now, hash, bytes, contentType, filename ?? null])
}

/** Keeps the address of another server's file; nothing changes where it is kept already. */
export async function insertCopy(
  tx: Tx,
  { serverName, mediaId }: MediaName,
  now: number,
  { hash, bytes, contentType, filename }: MediaContent,
): Promise<void> {
  const sql = `insert into media (server_name, media_id, created_ts, used_ts, hash, bytes, content_type, filename)
     values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`
  await rawRun(tx, sql, [serverName, mediaId, now, now, hash, bytes, contentType, filename ?? null])
}

/** Reserves an id for media whose content is to follow until `expiresTs` (spec: POST /media/v1/create). */
export async function announceMedia(
  tx: Tx,
  { serverName, mediaId }: MediaName,
  userNid: number,
  now: number,
  expiresTs: number,
): Promise<void> {
  const sql = 'insert into media (server_name, media_id, user_nid, created_ts, expires_ts) values (?, ?, ?, ?, ?)'
  await rawRun(tx, sql, [serverName, mediaId, userNid, now, expiresTs])
}

/** Gives announced media its content, which it has since then; false where it has some already, or none was announced. */
export async function fillMedia(
  tx: Tx,
  { serverName, mediaId }: MediaName,
  now: number,
  { hash, bytes, contentType, filename }: MediaContent,
): Promise<boolean> {
  const sql = `update media set created_ts = ?, hash = ?, bytes = ?, content_type = ?, filename = ?, expires_ts = null
     where server_name = ? and media_id = ? and hash is null`
  return (await rawRun(tx, sql, [now, hash, bytes, contentType, filename ?? null, serverName, mediaId])) > 0
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
    `delete from media where (server_name, media_id) in
       (select server_name, media_id from media where expires_ts <= ? order by expires_ts limit ?)`,
    [now, limit],
  )

/** Notes that somebody asked for another server's file. */
export async function touchCopy(tx: Tx, { serverName, mediaId }: MediaName, now: number): Promise<void> {
  const sql = 'update media set used_ts = ? where server_name = ? and media_id = ? and used_ts is not null'
  await rawRun(tx, sql, [now, serverName, mediaId])
}

/** Whether an address may not be served, whether it is known or not. */
export async function isQuarantined(db: Db | Tx, what: string): Promise<boolean> {
  return (await rawRows(db, 'select 1 from media_quarantine where what = ?', [what])).length > 0
}

/** Whether some content of `fewest` to `most` bytes may not be served; one whose last address was deleted may have any size. */
export async function isSizeQuarantined(db: Db, fewest: number, most: number): Promise<boolean> {
  const sql = `select 1 from media_quarantine q left join media m on m.hash = q.what
     where q.what not like 'mxc://%' and (m.hash is null or m.bytes between ? and ?) limit 1`
  return (await rawRows(db, sql, [fewest, most])).length > 0
}
