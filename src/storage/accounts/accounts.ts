import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A local account. A guest or a single-sign-on account has no password. */
export interface Account {
  readonly userNid: number
  readonly userId: UserId
  readonly passwordHash: string | undefined
  readonly isAdmin: boolean
  readonly isGuest: boolean
  readonly isDeactivated: boolean
  readonly isErased: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  /** Other than a person: 'bot' or 'support'. */
  readonly userType: string | undefined
  readonly createdTs: number
}

interface Row {
  user_nid: number
  user_id: UserId
  password_hash: string | null
  is_admin: number
  is_guest: number
  deactivated: number
  erased: number
  locked: number
  suspended: number
  user_type: string | null
  created_ts: number
}

const COLUMNS =
  'user_nid, user_id, password_hash, is_admin, is_guest, deactivated, erased, locked, suspended, user_type, created_ts'

const toAccount = (row: Row): Account => ({
  userNid: row.user_nid,
  userId: row.user_id,
  passwordHash: row.password_hash ?? undefined,
  isAdmin: row.is_admin === 1,
  isGuest: row.is_guest === 1,
  isDeactivated: row.deactivated === 1,
  isErased: row.erased === 1,
  isLocked: row.locked === 1,
  isSuspended: row.suspended === 1,
  userType: row.user_type ?? undefined,
  createdTs: row.created_ts,
})

async function findBy(db: Db, where: string, value: string | number): Promise<Account | undefined> {
  const [row] = await rawRows<Row>(db, `select ${COLUMNS} from account where ${where} = ?`, [value])
  return row && toAccount(row)
}

export const findAccount = (db: Db, userId: string): Promise<Account | undefined> => findBy(db, 'user_id', userId)
export const findAccountByNid = (db: Db, nid: number): Promise<Account | undefined> => findBy(db, 'user_nid', nid)

/** The account of the first of these few ids that has one. */
export async function findFirstAccount(db: Db, userIds: readonly string[]): Promise<Account | undefined> {
  if (userIds.length === 0) return undefined
  const places = userIds.map(() => '?').join(', ')
  const rows = await rawRows<Row>(db, `select ${COLUMNS} from account where user_id in (${places})`, userIds)
  const [first] = rows.toSorted((a, b) => userIds.indexOf(a.user_id) - userIds.indexOf(b.user_id))
  return first && toAccount(first)
}

/** A page of accounts in order of their ids; `after` is exclusive. */
export async function listAccounts(db: Db, after: string, limit: number): Promise<Account[]> {
  const sql = `select ${COLUMNS} from account where user_id > ? order by user_id limit ?`
  return (await rawRows<Row>(db, sql, [after, limit])).map(toAccount)
}

export interface NewAccount {
  readonly userNid: number
  readonly userId: string
  readonly passwordHash: string | undefined
  readonly isAdmin: boolean
  readonly isGuest: boolean
  readonly userType: string | undefined
  readonly createdTs: number
}

/** Whether the account was made: `false` if the user id is taken, be it by a request of the same moment. */
export async function insertAccount(tx: Tx, account: NewAccount): Promise<boolean> {
  const inserted = await rawRun(
    tx,
    `insert into account (user_nid, user_id, password_hash, is_admin, is_guest, user_type, created_ts)
     values (?, ?, ?, ?, ?, ?, ?)
     on conflict do nothing`,
    [
      account.userNid,
      account.userId,
      account.passwordHash ?? null,
      account.isAdmin ? 1 : 0,
      account.isGuest ? 1 : 0,
      account.userType ?? null,
      account.createdTs,
    ],
  )
  return inserted === 1
}

/** Sets the password of an account that is not deactivated; `false` if there is none. */
export async function updatePassword(tx: Tx, userNid: number, passwordHash: string): Promise<boolean> {
  const sql = 'update account set password_hash = ? where user_nid = ? and deactivated = 0'
  return (await rawRun(tx, sql, [passwordHash, userNid])) === 1
}

/** Whether this is still the hash of the account's password, and stays so until the transaction ends. */
export async function holdPassword(tx: Tx, userNid: number, passwordHash: string): Promise<boolean> {
  const sql = 'update account set user_id = user_id where user_nid = ? and password_hash = ?'
  return (await rawRun(tx, sql, [userNid, passwordHash])) === 1
}

/** Swaps a hash for one of the same password, unless the password has changed meanwhile. */
export async function replaceHash(tx: Tx, userNid: number, before: string, after: string): Promise<void> {
  await rawRun(tx, 'update account set password_hash = ? where user_nid = ? and password_hash = ?', [
    after,
    userNid,
    before,
  ])
}

/** Ends an account for ever; `false` if it was ended before. A later wish to erase is still noted. */
export async function updateDeactivated(tx: Tx, userNid: number, erase: boolean): Promise<boolean> {
  if (erase) await rawRun(tx, 'update account set erased = 1 where user_nid = ?', [userNid])
  const sql = 'update account set deactivated = 1, password_hash = null where user_nid = ? and deactivated = 0'
  return (await rawRun(tx, sql, [userNid])) === 1
}

/** The users who asked to be erased. */
export async function listErasedNids(db: Db): Promise<number[]> {
  const rows = await rawRows<{ user_nid: number }>(
    db,
    'select user_nid from account where deactivated = 1 and erased = 1',
  )
  return rows.map((row) => row.user_nid)
}

export async function updateLocked(tx: Tx, userNid: number, isLocked: boolean): Promise<void> {
  await rawRun(tx, 'update account set locked = ? where user_nid = ?', [isLocked ? 1 : 0, userNid])
}

export async function updateSuspended(tx: Tx, userNid: number, isSuspended: boolean): Promise<void> {
  await rawRun(tx, 'update account set suspended = ? where user_nid = ?', [isSuspended ? 1 : 0, userNid])
}

/** Deletes what a user stored for themselves (settings, filters, presence), and the keys by which others knew them. */
export async function deletePrivateData(tx: Tx, userNid: number): Promise<void> {
  for (const table of ['account_data', 'filter', 'presence', 'cross_signing_key', 'key_signature']) {
    await rawRun(tx, `delete from ${table} where user_nid = ?`, [userNid])
  }
}

/** A page of deactivated accounts, by number; `isMember`: it is still in rooms, invited to some, or knocks. */
export async function listDeactivated(
  db: Db,
  after: number,
  limit: number,
): Promise<{ userNid: number; userId: UserId; isMember: boolean }[]> {
  const rows = await rawRows<{ user_nid: number; user_id: UserId; is_member: number }>(
    db,
    `select a.user_nid, a.user_id, case when exists (
       select 1 from membership m where m.user_nid = a.user_nid and m.membership in ('join', 'invite', 'knock')
     ) then 1 else 0 end as is_member
     from account a where a.deactivated = 1 and a.user_nid > ? order by a.user_nid limit ?`,
    [after, limit],
  )
  return rows.map((row) => ({ userNid: row.user_nid, userId: row.user_id, isMember: row.is_member === 1 }))
}

/** Holds the account's row until the transaction ends, so that changes that depend on each other do not interleave. */
export async function lockAccount(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'update account set user_id = user_id where user_nid = ?', [userNid])
}
