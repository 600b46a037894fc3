import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn } from '../many.ts'
import { rawRun } from '../run.ts'

/** A key that another server published. */
export interface ServerKeyRow {
  server_name: string
  key_id: string
  /** Unpadded base64. */
  public_key: string
  valid_until_ts: number
  /** When it became an old key. */
  expired_ts: number | null
}

/** What a server last said of its keys: its own JSON, signed by it. */
export interface ServerKeyAnswerRow {
  server_name: string
  json: string
  valid_until_ts: number
  fetched_ts: number
}

/** All keys that are known of these servers. */
export const listServerKeys = (db: Db, serverNames: readonly string[]): Promise<ServerKeyRow[]> =>
  rowsIn(db, 'select * from server_key where server_name in', serverNames)

/** Adds keys and what is new about known ones. A key that a server no longer mentions stays, for what it once signed. */
export async function upsertServerKeys(tx: Tx, rows: readonly ServerKeyRow[]): Promise<void> {
  await insertRows(
    tx,
    'server_key (server_name, key_id, public_key, valid_until_ts, expired_ts)',
    rows.map((row) => [row.server_name, row.key_id, row.public_key, row.valid_until_ts, row.expired_ts]),
    `on conflict (server_name, key_id) do update set public_key = excluded.public_key,
       valid_until_ts = excluded.valid_until_ts, expired_ts = excluded.expired_ts`,
  )
}

export async function upsertServerKeyAnswer(tx: Tx, row: ServerKeyAnswerRow): Promise<void> {
  await rawRun(
    tx,
    `insert into server_key_answer (server_name, json, valid_until_ts, fetched_ts) values (?, ?, ?, ?)
     on conflict (server_name) do update set json = excluded.json, valid_until_ts = excluded.valid_until_ts,
       fetched_ts = excluded.fetched_ts`,
    [row.server_name, row.json, row.valid_until_ts, row.fetched_ts],
  )
}

export const listServerKeyAnswers = (db: Db, serverNames: readonly string[]): Promise<ServerKeyAnswerRow[]> =>
  rowsIn(db, 'select * from server_key_answer where server_name in', serverNames)
