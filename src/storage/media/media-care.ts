import type { Db, Tx } from '../db.ts'
import { insertRows, runIn } from '../many.ts'
import { rawRows, rawRun } from '../run.ts'
import { type MediaName, mediaAddress } from './media.ts'
import { discountUploads } from './media-use.ts'

/** What became of rows that were deleted. */
export interface DeletedMedia {
  readonly files: number
  /** Of their contents, which other addresses may still name. */
  readonly bytes: number
}

interface DeletedRow {
  readonly hash: string | null
  readonly bytes: number | null
  /** Null for another server's file. */
  readonly userNid: number | null
}

const RETURNING = 'returning hash, bytes, user_nid as "userNid"'

/** Forgets one file. Its bytes are garbage unless another address names them: see `listGarbage`. */
export async function deleteMedia(tx: Tx, { serverName, mediaId }: MediaName): Promise<DeletedMedia> {
  const sql = `delete from media where server_name = ? and media_id = ? ${RETURNING}`
  return discard(tx, await rawRows<DeletedRow>(tx, sql, [serverName, mediaId]))
}

/** Forgets the copies of other servers' files that nobody has asked for since `before`; at most `limit`, oldest first. */
export async function deleteCopies(tx: Tx, before: number, limit: number): Promise<DeletedMedia> {
  const sql = `delete from media where (server_name, media_id) in
     (select server_name, media_id from media where used_ts < ? order by used_ts limit ?) ${RETURNING}`
  return discard(tx, await rawRows<DeletedRow>(tx, sql, [before, limit]))
}

/**
 * Forgets our users' files that were uploaded before `before`; at most `limit`. What is its uploader's picture stays: it
 * is shown as long as the account is.
 */
export async function deleteUploads(tx: Tx, before: number, limit: number): Promise<DeletedMedia> {
  const sql = `delete from media where (server_name, media_id) in (
       select m.server_name, m.media_id from media m
       where m.created_ts < ? and m.used_ts is null and m.hash is not null and not exists (
         select 1 from profile p where p.user_nid = m.user_nid and p.field = 'avatar_url'
           and p.value = '"mxc://' || m.server_name || '/' || m.media_id || '"')
       order by m.created_ts limit ?) ${RETURNING}`
  return discard(tx, await rawRows<DeletedRow>(tx, sql, [before, limit]))
}

/** A copy of another server's file, with its place in the order in which they are deleted. */
export interface Copy extends MediaName {
  readonly usedTs: number
  readonly bytes: number
}

/** Where that order begins. */
export const FIRST_COPY: Copy = { usedTs: -1, serverName: '', mediaId: '', bytes: 0 }

/** The next copies of other servers' files behind this one. */
export const listCopies = (db: Db, { usedTs, serverName, mediaId }: Copy, limit: number): Promise<Copy[]> =>
  rawRows(
    db,
    `select used_ts as "usedTs", server_name as "serverName", media_id as "mediaId", coalesce(bytes, 0) as bytes
     from media where (used_ts, server_name, media_id) > (?, ?, ?) order by used_ts, server_name, media_id limit ?`,
    [usedTs, serverName, mediaId, limit],
  )

/** Nobody gets this file any more, nor the same content under another address. False where it was so before. */
export async function quarantine(tx: Tx, name: MediaName, hash: string | null, now: number): Promise<boolean> {
  const what = [mediaAddress(name), ...(hash === null ? [] : [hash])]
  const rows = what.map((one) => [one, now])
  return (await insertRows(tx, 'media_quarantine (what, created_ts)', rows, 'on conflict do nothing')) > 0
}

/** Ends that; false where it was not so. */
export async function release(tx: Tx, name: MediaName, hash: string | null): Promise<boolean> {
  const sql = 'delete from media_quarantine where what in (?, ?)'
  return (await rawRun(tx, sql, [mediaAddress(name), hash])) > 0
}

/** Contents that may have lost their last address, beginning behind `after`. `isNamed`: 1 where one is left or is back. */
export const listGarbage = (db: Db, after: string, limit: number): Promise<{ hash: string; isNamed: number }[]> =>
  rawRows(
    db,
    `select g.hash, case when exists (select 1 from media m where m.hash = g.hash) then 1 else 0 end as "isNamed"
     from media_garbage g where g.hash > ? order by g.hash limit ?`,
    [after, limit],
  )

/** These contents may have no address: see `listGarbage`. */
export async function markGarbage(tx: Tx, hashes: readonly string[]): Promise<void> {
  const rows = hashes.map((hash) => [hash])
  await insertRows(tx, 'media_garbage (hash)', rows, 'on conflict do nothing')
}

/** The contents are in use, or their bytes are gone. */
export async function clearGarbage(tx: Tx, hashes: readonly string[]): Promise<void> {
  await runIn(tx, 'delete from media_garbage where hash in', hashes)
}

async function discard(tx: Tx, rows: readonly DeletedRow[]): Promise<DeletedMedia> {
  const hashes = [...new Set(rows.flatMap(({ hash }) => hash ?? []))]
  await markGarbage(tx, hashes)
  await discountUploads(tx, rows)
  return { files: rows.length, bytes: rows.reduce((sum, { bytes }) => sum + Number(bytes ?? 0), 0) }
}
