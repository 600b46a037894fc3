import type { Db, Tx } from './db.ts'
import { type Param, places, rawRows, rawRun, valueLists } from './run.ts'

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

const CHUNK = 500

/** All keys that are known of these servers. */
export async function listServerKeys(db: Db, serverNames: readonly string[]): Promise<ServerKeyRow[]> {
  const rows: ServerKeyRow[] = []
  for (let start = 0; start < serverNames.length; start += CHUNK) {
    const part = serverNames.slice(start, start + CHUNK)
    const sql = `select * from server_key where server_name in (${places(part.length)})`
    rows.push(...(await rawRows<ServerKeyRow>(db, sql, part)))
  }
  return rows
}

/** Adds keys and what is new about known ones. A key that a server no longer mentions stays, for what it once signed. */
export async function upsertServerKeys(tx: Tx, rows: readonly ServerKeyRow[]): Promise<void> {
  const params: Param[] = []
  for (const row of rows) {
    params.push(row.server_name, row.key_id, row.public_key, row.valid_until_ts, row.expired_ts)
  }
  await rawRun(
    tx,
    `insert into server_key (server_name, key_id, public_key, valid_until_ts, expired_ts)
     values ${valueLists(rows.length, 5)}
     on conflict (server_name, key_id) do update set public_key = excluded.public_key,
       valid_until_ts = excluded.valid_until_ts, expired_ts = excluded.expired_ts`,
    params,
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
  serverNames.length === 0
    ? Promise.resolve([])
    : rawRows(db, `select * from server_key_answer where server_name in (${places(serverNames.length)})`, serverNames)
