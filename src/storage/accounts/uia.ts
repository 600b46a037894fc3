import type { JsonObject } from '../../matrix/json.ts'
import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A user-interactive authentication under way. */
export interface UiaSession {
  readonly sessionId: string
  /** Which operation on what it authorises, and nothing else. */
  readonly operation: string
  /** Whose access token began it. */
  readonly userNid: number | undefined
  readonly completed: readonly string[]
  readonly memory: UiaMemory
  readonly createdTs: number
}

/** What a session remembers between requests. */
export interface UiaMemory {
  readonly flows: readonly (readonly string[])[]
  readonly params: JsonObject
  /** The registration token that is reserved for this session. */
  readonly token?: string
  /** Whom the password stage proved the client to be. */
  readonly provedNid?: number
  /** The address that the mail stage proved to be the client's, and the confirmation that did. */
  readonly email?: { readonly sid: string; readonly address: string; readonly validatedTs: number }
  /** What the operation did, once it is done: repeating it then does the same again, or nothing. */
  readonly outcome?: string
}

interface Row {
  session_id: string
  operation: string
  user_nid: number | null
  completed: string
  params: string
  created_ts: number
}

export async function insertSession(tx: Tx, session: UiaSession): Promise<void> {
  await rawRun(
    tx,
    'insert into uia_session (session_id, operation, user_nid, completed, params, created_ts) values (?, ?, ?, ?, ?, ?)',
    [
      session.sessionId,
      session.operation,
      session.userNid ?? null,
      JSON.stringify(session.completed),
      JSON.stringify(session.memory),
      session.createdTs,
    ],
  )
}

export async function findSession(db: Db, sessionId: string): Promise<UiaSession | undefined> {
  const [row] = await rawRows<Row>(
    db,
    'select session_id, operation, user_nid, completed, params, created_ts from uia_session where session_id = ?',
    [sessionId],
  )
  return (
    row && {
      sessionId: row.session_id,
      operation: row.operation,
      userNid: row.user_nid ?? undefined,
      completed: JSON.parse(row.completed) as string[],
      memory: JSON.parse(row.params) as UiaMemory,
      createdTs: row.created_ts,
    }
  )
}

/** Adds a completed stage; `false` if the session has changed or gone since it was read. */
export async function updateSession(tx: Tx, before: UiaSession, after: UiaSession): Promise<boolean> {
  const updated = await rawRun(
    tx,
    'update uia_session set completed = ?, params = ? where session_id = ? and completed = ?',
    [JSON.stringify(after.completed), JSON.stringify(after.memory), before.sessionId, JSON.stringify(before.completed)],
  )
  return updated === 1
}

/** Notes what the operation did; `false` if the session has changed or gone since it was read. */
export async function updateOutcome(tx: Tx, before: UiaSession, memory: UiaMemory): Promise<boolean> {
  const sql = 'update uia_session set params = ? where session_id = ? and params = ?'
  const updated = await rawRun(tx, sql, [JSON.stringify(memory), before.sessionId, JSON.stringify(before.memory)])
  return updated === 1
}

/** Ends a session; `false` if somebody else ended it. */
export async function deleteSession(tx: Tx, sessionId: string): Promise<boolean> {
  return (await rawRun(tx, 'delete from uia_session where session_id = ?', [sessionId])) === 1
}

/** Ends what was begun with the access tokens of a user. */
export async function deleteSessionsOf(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from uia_session where user_nid = ?', [userNid])
}

export async function countSessions(db: Db): Promise<number> {
  const [row] = await rawRows<{ n: number }>(db, 'select count(*) as n from uia_session')
  return row?.n ?? 0
}

/** Ends up to `limit` sessions that began before `ts`; returns what they remembered. */
export const deleteSessionsBefore = (tx: Tx, ts: number, limit: number): Promise<UiaMemory[]> =>
  deleteSome(tx, 'where created_ts < ? order by created_ts', [ts, limit])

/**
 * Ends `count` sessions, the oldest first of those in which nothing has been done, which anybody begins for nothing and
 * whose loss nobody notices; returns what they remembered.
 */
export const deleteExcess = (tx: Tx, count: number): Promise<UiaMemory[]> =>
  deleteSome(tx, `order by case when completed = '[]' then 0 else 1 end, created_ts`, [count])

async function deleteSome(tx: Tx, which: string, params: readonly number[]): Promise<UiaMemory[]> {
  const rows = await rawRows<{ params: string }>(
    tx,
    `delete from uia_session where session_id in (
       select session_id from uia_session ${which} limit ?) returning params`,
    params,
  )
  return rows.map((row) => JSON.parse(row.params) as UiaMemory)
}
