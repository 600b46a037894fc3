import type { UserId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { insertRows, rowsIn } from './many.ts'
import { rawRows } from './run.ts'

export interface PresenceRow {
  user_nid: number
  presence: string
  status_msg: string | null
  last_active_ts: number
  pos: number
}

export interface StoredPresence extends PresenceRow {
  user_id: UserId
}

const SELECT = 'select p.*, n.text as user_id from presence p join name n on n.nid = p.user_nid'

/** Of those who are there. */
export const listPresent = (db: Db): Promise<StoredPresence[]> => rawRows(db, `${SELECT} where p.presence <> 'offline'`)

/** Of these users, as far as they ever were there. */
export const listPresenceOf = (db: Db, userNids: readonly number[]): Promise<StoredPresence[]> =>
  rowsIn(db, `${SELECT} where p.user_nid in`, userNids)

/** The same, by their ids. */
export const listPresenceBy = (db: Db, userIds: readonly UserId[]): Promise<StoredPresence[]> =>
  rowsIn(db, `${SELECT} where n.text in`, userIds)

/** Whose presence changed last in (`after`, `upTo`]. */
export async function listPresenceChanged(db: Db, after: number, upTo: number): Promise<UserId[]> {
  const sql = 'select n.text from presence p join name n on n.nid = p.user_nid where p.pos > ? and p.pos <= ?'
  return (await rawRows<{ text: UserId }>(db, sql, [after, upTo])).map(({ text }) => text)
}

export async function upsertPresence(tx: Tx, rows: readonly PresenceRow[]): Promise<void> {
  await insertRows(
    tx,
    'presence (user_nid, presence, status_msg, last_active_ts, pos)',
    rows.map((row) => [row.user_nid, row.presence, row.status_msg, row.last_active_ts, row.pos]),
    `on conflict (user_nid) do update set presence = excluded.presence, status_msg = excluded.status_msg,
       last_active_ts = excluded.last_active_ts, pos = excluded.pos`,
  )
}
