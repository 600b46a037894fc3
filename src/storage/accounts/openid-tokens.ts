import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { deletionBefore } from '../expire.ts'
import { rawRows, rawRun } from '../run.ts'

export async function insertOpenIdToken(tx: Tx, tokenHash: string, userNid: number, expiresTs: number): Promise<void> {
  const sql = 'insert into openid_token (token_hash, user_nid, expires_ts) values (?, ?, ?)'
  await rawRun(tx, sql, [tokenHash, userNid, expiresTs])
}

/** Whose token it is, while the account can be used. */
export async function findOpenIdUser(db: Db, tokenHash: string, now: number): Promise<string | undefined> {
  const [row] = await rawRows<{ user_id: UserId }>(
    db,
    `select a.user_id from openid_token t join account a on a.user_nid = t.user_nid
     where t.token_hash = ? and t.expires_ts > ? and a.deactivated = 0 and a.locked = 0`,
    [tokenHash, now],
  )
  return row?.user_id
}

export async function deleteOpenIdTokensOf(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from openid_token where user_nid = ?', [userNid])
}

/** Forgets tokens that ran out before `now`; returns how many, at most `limit`. */
export const deleteExpiredOpenIdTokens = deletionBefore('openid_token', 'token_hash', 'expires_ts')
