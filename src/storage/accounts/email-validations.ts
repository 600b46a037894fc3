import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'
import { EMAIL } from './third-party-ids.ts'

/** A mail address that somebody has to confirm, or has. */
export interface EmailValidation {
  readonly sid: string
  readonly purpose: string
  readonly address: string
  /** SHA-256 of the client's secret. */
  readonly secret_hash: string
  /** SHA-256 of the token in the mail; null: no mail with a token was sent, so that nobody can confirm. */
  readonly token_hash: string | null
  readonly send_attempt: number
  readonly validated_ts: number | null
  readonly created_ts: number
}

const COLUMNS = 'sid, purpose, address, secret_hash, token_hash, send_attempt, validated_ts, created_ts'

export async function findValidation(db: Db, sid: string): Promise<EmailValidation | undefined> {
  return (await rawRows<EmailValidation>(db, `select ${COLUMNS} from email_validation where sid = ?`, [sid]))[0]
}

/** The one that this client has begun for the same purpose and address. */
export async function findSameValidation(
  db: Db,
  { secret_hash, purpose, address }: Pick<EmailValidation, 'secret_hash' | 'purpose' | 'address'>,
): Promise<EmailValidation | undefined> {
  const sql = `select ${COLUMNS} from email_validation where secret_hash = ? and purpose = ? and address = ?`
  return (await rawRows<EmailValidation>(db, sql, [secret_hash, purpose, address]))[0]
}

/** Writes it; of one that is there already, what a new mail changes. */
export async function upsertValidation(tx: Tx, row: EmailValidation): Promise<void> {
  await rawRun(
    tx,
    `insert into email_validation (${COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (sid) do update set token_hash = excluded.token_hash, send_attempt = excluded.send_attempt,
       created_ts = excluded.created_ts`,
    [
      row.sid,
      row.purpose,
      row.address,
      row.secret_hash,
      row.token_hash,
      row.send_attempt,
      row.validated_ts,
      row.created_ts,
    ],
  )
}

export async function updateValidated(tx: Tx, sid: string, now: number): Promise<void> {
  await rawRun(tx, 'update email_validation set validated_ts = ? where sid = ?', [now, sid])
}

/** Uses it up; whether it was there. */
export const deleteValidation = async (tx: Tx, sid: string): Promise<boolean> =>
  (await rawRun(tx, 'delete from email_validation where sid = ?', [sid])) === 1

/** Deletes those by which the password of a user could be reset. */
export async function deleteResetsOf(tx: Tx, userNid: number): Promise<void> {
  await rawRun(
    tx,
    `delete from email_validation where purpose = 'password' and address in (
       select address from third_party_id where user_nid = ? and medium = ?)`,
    [userNid, EMAIL],
  )
}

export const deleteValidationsBefore = (tx: Tx, createdTs: number, limit: number): Promise<number> =>
  rawRun(
    tx,
    'delete from email_validation where sid in (select sid from email_validation where created_ts < ? limit ?)',
    [createdTs, limit],
  )
