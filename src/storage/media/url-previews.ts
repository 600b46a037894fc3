import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A preview of a link, as it was made at one time. */
export interface PreviewRow {
  /** SHA-256 of the URL, in hexadecimal. */
  readonly urlHash: string
  readonly fetchedTs: number
  readonly expiresTs: number
  /** JSON text; null where the link had none. */
  readonly preview: string | null
}

/** The preview as it was at `ts`, else one that is good now. */
export async function findPreview(
  db: Db,
  urlHash: string,
  ts: number,
  now: number,
): Promise<Pick<PreviewRow, 'preview'> | undefined> {
  const [row] = await rawRows<Pick<PreviewRow, 'preview'>>(
    db,
    `select preview from url_preview where url_hash = ?
       and ((fetched_ts <= ? and expires_ts > ? and preview is not null) or (fetched_ts <= ? and expires_ts > ?))
     order by fetched_ts limit 1`,
    [urlHash, ts, ts, now, now],
  )
  return row
}

export async function insertPreview(tx: Tx, { urlHash, fetchedTs, expiresTs, preview }: PreviewRow): Promise<void> {
  const sql = `insert into url_preview (url_hash, fetched_ts, expires_ts, preview) values (?, ?, ?, ?)
     on conflict do nothing`
  await rawRun(tx, sql, [urlHash, fetchedTs, expiresTs, preview])
}

/** Forgets previews that expired before `before`; returns how many rows, up to `limit`. */
export const deletePreviews = (tx: Tx, before: number, limit: number): Promise<number> =>
  rawRun(
    tx,
    `delete from url_preview where (url_hash, fetched_ts) in
       (select url_hash, fetched_ts from url_preview where expires_ts <= ? order by expires_ts limit ?)`,
    [before, limit],
  )
