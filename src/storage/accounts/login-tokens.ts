import type { Tx } from '../db.ts'
import { deletionBefore } from '../expire.ts'
import { rawRows, rawRun } from '../run.ts'

export async function insertLoginToken(tx: Tx, tokenHash: string, userNid: number, expiresTs: number): Promise<void> {
  const sql = 'insert into login_token (token_hash, user_nid, expires_ts) values (?, ?, ?)'
  await rawRun(tx, sql, [tokenHash, userNid, expiresTs])
}

/** Uses a token up: whose it was, if it was good. */
export async function takeLoginToken(tx: Tx, tokenHash: string, now: number): Promise<number | undefined> {
  const sql = 'delete from login_token where token_hash = ? and expires_ts > ? returning user_nid'
  return (await rawRows<{ user_nid: number }>(tx, sql, [tokenHash, now]))[0]?.user_nid
}

export async function deleteLoginTokensOf(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from login_token where user_nid = ?', [userNid])
}

/** Forgets tokens that ran out before `now`; returns how many, at most `limit`. */
export const deleteExpiredLoginTokens = deletionBefore('login_token', 'token_hash', 'expires_ts')
