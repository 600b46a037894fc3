import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { runIn } from '../many.ts'
import { rawRows, rawRun } from '../run.ts'

/** Whose access token it is, with all that a request needs to know of its sender. */
export interface AccessTokenOwner {
  readonly userNid: number
  readonly userId: UserId
  readonly deviceNid: number
  readonly deviceId: string
  readonly isGuest: boolean
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  readonly expiresTs: number | undefined
  /** The refresh token that came with it, while that is the device's newest and older ones still wait to be revoked. */
  readonly spends: string | undefined
}

interface OwnerRow {
  user_nid: number
  user_id: UserId
  device_nid: number
  device_id: string
  is_guest: number
  is_admin: number
  locked: number
  suspended: number
  expires_ts: number | null
  spends: string | null
}

export async function findAccessToken(db: Db, tokenHash: string): Promise<AccessTokenOwner | undefined> {
  const [row] = await rawRows<OwnerRow>(
    db,
    `select t.user_nid, a.user_id, t.device_nid, d.device_id, a.is_guest, a.is_admin, a.locked, a.suspended, t.expires_ts,
       (select r.token_hash from refresh_token r where r.token_hash = t.refresh_token_hash and r.next_token_hash is null
         and exists (select 1 from refresh_token o where o.device_nid = r.device_nid and o.token_hash <> r.token_hash)
       ) as spends
     from access_token t join device d on d.nid = t.device_nid join account a on a.user_nid = t.user_nid
     where t.token_hash = ? and a.deactivated = 0`,
    [tokenHash],
  )
  return (
    row && {
      userNid: row.user_nid,
      userId: row.user_id,
      deviceNid: row.device_nid,
      deviceId: row.device_id,
      isGuest: row.is_guest === 1,
      isAdmin: row.is_admin === 1,
      isLocked: row.locked === 1,
      isSuspended: row.suspended === 1,
      expiresTs: row.expires_ts ?? undefined,
      spends: row.spends ?? undefined,
    }
  )
}

export interface NewToken {
  readonly tokenHash: string
  readonly userNid: number
  readonly deviceNid: number
  readonly expiresTs: number | undefined
  readonly createdTs: number
}

export async function insertAccessToken(tx: Tx, token: NewToken & { refreshHash: string | undefined }): Promise<void> {
  await rawRun(
    tx,
    `insert into access_token (token_hash, user_nid, device_nid, expires_ts, created_ts, refresh_token_hash)
     values (?, ?, ?, ?, ?, ?)`,
    [
      token.tokenHash,
      token.userNid,
      token.deviceNid,
      token.expiresTs ?? null,
      token.createdTs,
      token.refreshHash ?? null,
    ],
  )
}

export async function insertRefreshToken(tx: Tx, token: NewToken): Promise<void> {
  await rawRun(
    tx,
    'insert into refresh_token (token_hash, user_nid, device_nid, expires_ts, created_ts) values (?, ?, ?, ?, ?)',
    [token.tokenHash, token.userNid, token.deviceNid, token.expiresTs ?? null, token.createdTs],
  )
}

/** Deletes what a device had been given before it logged in anew. */
export async function deleteTokensOfDevice(tx: Tx, deviceNid: number): Promise<void> {
  await rawRun(tx, 'delete from access_token where device_nid = ?', [deviceNid])
  await rawRun(tx, 'delete from refresh_token where device_nid = ?', [deviceNid])
}

export interface RefreshToken {
  readonly userNid: number
  readonly deviceNid: number
  readonly nextTokenHash: string | undefined
  readonly expiresTs: number | undefined
}

export async function findRefreshToken(db: Db, tokenHash: string): Promise<RefreshToken | undefined> {
  const [row] = await rawRows<{
    user_nid: number
    device_nid: number
    next_token_hash: string | null
    expires_ts: number | null
  }>(
    db,
    `select t.user_nid, t.device_nid, t.next_token_hash, t.expires_ts
     from refresh_token t join account a on a.user_nid = t.user_nid where t.token_hash = ? and a.deactivated = 0`,
    [tokenHash],
  )
  return (
    row && {
      userNid: row.user_nid,
      deviceNid: row.device_nid,
      nextTokenHash: row.next_token_hash ?? undefined,
      expiresTs: row.expires_ts ?? undefined,
    }
  )
}

/** Notes the successor of a refresh token; `false` if the token is gone. */
export async function updateNextToken(tx: Tx, tokenHash: string, nextTokenHash: string): Promise<boolean> {
  const sql = 'update refresh_token set next_token_hash = ? where token_hash = ?'
  return (await rawRun(tx, sql, [nextTokenHash, tokenHash])) === 1
}

/**
 * A refresh token, or the access token that came with it, is used for the first time: its predecessor is revoked, and
 * so are the pairs that a repeated refresh gave out beside it. Access tokens of the predecessor run out by themselves.
 */
export async function deleteOtherRefreshTokens(tx: Tx, deviceNid: number, keepHash: string): Promise<void> {
  await rawRun(
    tx,
    `delete from access_token where device_nid = ? and refresh_token_hash in (
       select token_hash from refresh_token where device_nid = ? and token_hash <> ? and next_token_hash is null)`,
    [deviceNid, deviceNid, keepHash],
  )
  await rawRun(tx, 'delete from refresh_token where device_nid = ? and token_hash <> ?', [deviceNid, keepHash])
}

/** An access token that ran out: where it stands in the order of that. */
export interface ExpiredToken {
  readonly token_hash: string
  readonly expires_ts: number
}

/** The next access tokens that ran out before `now`, behind `after`; `is_newest`: 1 for the newest one of its device. */
export const listExpiredAccessTokens = (
  db: Db,
  after: ExpiredToken,
  now: number,
  limit: number,
): Promise<(ExpiredToken & { is_newest: number })[]> =>
  rawRows(
    db,
    `select old.token_hash, old.expires_ts, case when exists (select 1 from access_token newer
       where newer.device_nid = old.device_nid and newer.created_ts > old.created_ts) then 0 else 1 end as is_newest
     from access_token old where (old.expires_ts, old.token_hash) > (?, ?) and old.expires_ts < ?
     order by old.expires_ts, old.token_hash limit ?`,
    [after.expires_ts, after.token_hash, now, limit],
  )

export async function deleteAccessTokens(tx: Tx, tokenHashes: readonly string[]): Promise<void> {
  await runIn(tx, 'delete from access_token where token_hash in', tokenHashes)
}

/** Deletes the access tokens of a device that had run out by then. */
export async function deleteOldAccessTokens(tx: Tx, deviceNid: number, expiredTs: number): Promise<void> {
  await rawRun(tx, 'delete from access_token where device_nid = ? and expires_ts < ?', [deviceNid, expiredTs])
}

export const deleteExpiredRefreshTokens = (tx: Tx, now: number, limit: number): Promise<number> =>
  rawRun(
    tx,
    'delete from refresh_token where token_hash in (select token_hash from refresh_token where expires_ts < ? limit ?)',
    [now, limit],
  )
