import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

export interface QueuedMail {
  readonly id: number
  readonly recipient: string
  readonly subject: string
  readonly text: string
  readonly attempts: number
  readonly created_ts: number
  readonly retry_at: number
}

export async function insertMail(
  tx: Tx,
  { recipient, subject, text }: Pick<QueuedMail, 'recipient' | 'subject' | 'text'>,
  now: number,
): Promise<void> {
  await rawRun(
    tx,
    'insert into mail_queue (recipient, subject, text, attempts, created_ts, retry_at) values (?, ?, ?, 0, ?, ?)',
    [recipient, subject, text, now, now],
  )
}

/** The mail whose turn is next. */
export async function findNextMail(db: Db): Promise<QueuedMail | undefined> {
  const sql = `select id, recipient, subject, text, attempts, created_ts, retry_at from mail_queue
    order by retry_at, id limit 1`
  return (await rawRows<QueuedMail>(db, sql))[0]
}

export async function updateMailFailed(tx: Tx, id: number, attempts: number, retryAt: number): Promise<void> {
  await rawRun(tx, 'update mail_queue set attempts = ?, retry_at = ? where id = ?', [attempts, retryAt, id])
}

export async function deleteMail(tx: Tx, id: number): Promise<void> {
  await rawRun(tx, 'delete from mail_queue where id = ?', [id])
}
