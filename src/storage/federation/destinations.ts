import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** How sending to a server went. */
export interface DestinationRow {
  server_nid: number
  /** In a row. */
  failures: number
  failing_since: number | null
  /** When to try again. */
  retry_at: number
  last_success_ts: number | null
  last_error: string | null
}

export async function findDestination(db: Db, serverNid: number): Promise<DestinationRow | undefined> {
  const sql = 'select * from destination where server_nid = ?'
  return (await rawRows<DestinationRow>(db, sql, [serverNid]))[0]
}

export const listDestinations = (db: Db): Promise<(DestinationRow & { name: string })[]> =>
  rawRows(db, 'select d.*, n.text as name from destination d join name n on n.nid = d.server_nid')

export async function upsertDestination(tx: Tx, row: DestinationRow): Promise<void> {
  await rawRun(
    tx,
    `insert into destination (server_nid, failures, failing_since, retry_at, last_success_ts, last_error)
     values (?, ?, ?, ?, ?, ?)
     on conflict (server_nid) do update set failures = excluded.failures, failing_since = excluded.failing_since,
       retry_at = excluded.retry_at, last_success_ts = excluded.last_success_ts, last_error = excluded.last_error`,
    [row.server_nid, row.failures, row.failing_since, row.retry_at, row.last_success_ts, row.last_error],
  )
}
