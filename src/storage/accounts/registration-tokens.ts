import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A token that lets people register. `pending` counts registrations under way that have shown it. */
export interface RegistrationToken {
  readonly token: string
  readonly usesAllowed: number | undefined
  readonly pending: number
  readonly completed: number
  readonly expiresTs: number | undefined
}

interface Row {
  token: string
  uses_allowed: number | null
  pending: number
  completed: number
  expires_ts: number | null
}

const toToken = (row: Row): RegistrationToken => ({
  token: row.token,
  usesAllowed: row.uses_allowed ?? undefined,
  pending: row.pending,
  completed: row.completed,
  expiresTs: row.expires_ts ?? undefined,
})

const USABLE = `(expires_ts is null or expires_ts > ?) and (uses_allowed is null or pending + completed < uses_allowed)`

export async function isUsable(db: Db, token: string, now: number): Promise<boolean> {
  const rows = await rawRows(db, `select 1 from registration_token where token = ? and ${USABLE}`, [token, now])
  return rows.length === 1
}

export async function listTokens(db: Db): Promise<RegistrationToken[]> {
  const sql = 'select token, uses_allowed, pending, completed, expires_ts from registration_token order by token'
  return (await rawRows<Row>(db, sql, [])).map(toToken)
}

/** Whether the token was made: `false` if there is one of that name. */
export async function insertToken(
  tx: Tx,
  token: { token: string; usesAllowed: number | undefined; expiresTs: number | undefined },
): Promise<boolean> {
  const inserted = await rawRun(
    tx,
    `insert into registration_token (token, uses_allowed, expires_ts) values (?, ?, ?)
     on conflict do nothing`,
    [token.token, token.usesAllowed ?? null, token.expiresTs ?? null],
  )
  return inserted === 1
}

export async function deleteToken(tx: Tx, token: string): Promise<boolean> {
  return (await rawRun(tx, 'delete from registration_token where token = ?', [token])) === 1
}

/** Reserves one use; `false` if the token is unknown, over or used up. */
export async function reserveUse(tx: Tx, token: string, now: number): Promise<boolean> {
  const sql = `update registration_token set pending = pending + 1 where token = ? and ${USABLE}`
  return (await rawRun(tx, sql, [token, now])) === 1
}

/** A reserved use became an account. */
export async function completeUse(tx: Tx, token: string): Promise<void> {
  const sql = 'update registration_token set pending = pending - 1, completed = completed + 1 where token = ?'
  await rawRun(tx, sql, [token])
}

/** A reserved use came to nothing. */
export async function releaseUses(tx: Tx, token: string, count: number): Promise<void> {
  await rawRun(tx, 'update registration_token set pending = pending - ? where token = ? and pending >= ?', [
    count,
    token,
    count,
  ])
}
