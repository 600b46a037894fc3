import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

/** A user-interactive authentication under way. */
export interface UiaSession {
  readonly sessionId: string
  /** Which operation on what it authorises, and nothing else. */
  readonly operation: string
  /** Whose access token began it. */
  readonly userNid: number | undefined
  readonly completed: readonly string[]
  readonly memory: UiaMemory
}

/** What a session remembers between requests. */
export interface UiaMemory {
  readonly flows: readonly (readonly string[])[]
  readonly params: Readonly<Record<string, unknown>>
  /** The registration token that is reserved for this session. */
  readonly token?: string
  /** Whom the password stage proved the client to be. */
  readonly provedNid?: number
}

interface Row {
  session_id: string
  operation: string
  user_nid: number | null
  completed: string
  params: string
}

export async function insertSession(tx: Tx, session: UiaSession, createdTs: number): Promise<void> {
  await rawRun(
    tx,
    'insert into uia_session (session_id, operation, user_nid, completed, params, created_ts) values (?, ?, ?, ?, ?, ?)',
    [
      session.sessionId,
      session.operation,
      session.userNid ?? null,
      JSON.stringify(session.completed),
      JSON.stringify(session.memory),
      createdTs,
    ],
  )
}

export async function findSession(db: Db, sessionId: string): Promise<UiaSession | undefined> {
  const [row] = await rawRows<Row>(
    db,
    'select session_id, operation, user_nid, completed, params from uia_session where session_id = ?',
    [sessionId],
  )
  return (
    row && {
      sessionId: row.session_id,
      operation: row.operation,
      userNid: row.user_nid ?? undefined,
      completed: JSON.parse(row.completed) as string[],
      memory: JSON.parse(row.params) as UiaMemory,
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

/** Ends a session. What it remembered, or `undefined` if somebody else ended it. */
export async function deleteSession(tx: Tx, sessionId: string): Promise<UiaMemory | undefined> {
  const sql = 'delete from uia_session where session_id = ? returning params'
  const [row] = await rawRows<{ params: string }>(tx, sql, [sessionId])
  return row && (JSON.parse(row.params) as UiaMemory)
}

/** Ends up to `limit` sessions that began before `ts`; returns what they remembered. */
export async function deleteSessionsBefore(tx: Tx, ts: number, limit: number): Promise<UiaMemory[]> {
  const rows = await rawRows<{ params: string }>(
    tx,
    `delete from uia_session where session_id in (
       select session_id from uia_session where created_ts < ? order by created_ts limit ?) returning params`,
    [ts, limit],
  )
  return rows.map((row) => JSON.parse(row.params) as UiaMemory)
}
