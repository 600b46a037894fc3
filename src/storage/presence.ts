import type { UserId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { insertRows } from './many.ts'
import { rawRows } from './run.ts'

export interface PresenceRow {
  user_nid: number
  presence: string
  status_msg: string | null
  last_active_ts: number
  pos: number
}

/** All that are stored; one row for each user who ever was online. */
export const listPresence = (db: Db): Promise<(PresenceRow & { user_id: UserId })[]> =>
  rawRows(db, 'select p.*, n.text as user_id from presence p join name n on n.nid = p.user_nid order by p.pos')

export async function upsertPresence(tx: Tx, rows: readonly PresenceRow[]): Promise<void> {
  await insertRows(
    tx,
    'presence (user_nid, presence, status_msg, last_active_ts, pos)',
    rows.map((row) => [row.user_nid, row.presence, row.status_msg, row.last_active_ts, row.pos]),
    `on conflict (user_nid) do update set presence = excluded.presence, status_msg = excluded.status_msg,
       last_active_ts = excluded.last_active_ts, pos = excluded.pos`,
  )
}
