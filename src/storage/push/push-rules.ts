import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A user's own push rules and changes to the predefined ones, as JSON text; users without any have no row. */
export async function findPushRules(db: Db, userNid: number): Promise<{ rules: string; pos: number } | undefined> {
  const rows = await rawRows<{ rules: string; pos: number }>(
    db,
    'select rules, pos from push_rules where user_nid = ?',
    [userNid],
  )
  return rows[0]
}

export async function upsertPushRules(tx: Tx, userNid: number, rules: string, pos: number): Promise<void> {
  await rawRun(
    tx,
    `insert into push_rules (user_nid, rules, pos) values (?, ?, ?)
     on conflict (user_nid) do update set rules = excluded.rules, pos = excluded.pos`,
    [userNid, rules, pos],
  )
}
