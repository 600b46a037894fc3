import { MatrixError } from '../matrix/errors.ts'

/** What an error looks like to the client, and what the log should make of it. */
export interface ErrorAnswer {
  readonly status: number
  readonly body: object
  readonly headers: Readonly<Record<string, string>>
  /** 'client': normal life. The others deserve a line in the log: a full disk, a database that is away, a bug. */
  readonly cause: 'client' | 'storage-full' | 'storage-away' | 'bug'
}

/** Seconds after which a client may try again when the database is away. */
const AWAY_RETRY_S = '2'

/** PostgreSQL: connection exceptions, too many connections, and a server that is going down or not up yet. */
const AWAY_CODES = /^(?:08...|53300|57P0[1-5])$/

/** Anything thrown, turned into an answer. Only a `MatrixError` and its like may say something to the client. */
export function toErrorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof MatrixError) return fromMatrixError(error)
  if (isChallenge(error)) return { status: 401, body: error.toJSON(), headers: {}, cause: 'client' }
  if (isStorageFull(error)) {
    const full = new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', "The server's disk is full")
    return { ...fromMatrixError(full), cause: 'storage-full' }
  }
  if (isStorageAway(error)) {
    const away = new MatrixError('M_UNKNOWN', 'The database is not available', { status: 503 })
    return { ...fromMatrixError(away), headers: { 'Retry-After': AWAY_RETRY_S }, cause: 'storage-away' }
  }
  return { ...fromMatrixError(new MatrixError('M_UNKNOWN', 'Internal server error')), cause: 'bug' }
}

function fromMatrixError(error: MatrixError): ErrorAnswer {
  const retryMs = error.fields.retry_after_ms
  const headers: Record<string, string> = {}
  if (typeof retryMs === 'number') headers['Retry-After'] = String(Math.max(1, Math.ceil(retryMs / 1000)))
  return { status: error.status, body: error.toJSON(), headers, cause: 'client' }
}

/** `UiaChallenge`: the 401 of user-interactive authentication, whose body is flows, params and session. */
const isChallenge = (error: unknown): error is Error & { toJSON(): object } =>
  error instanceof Error && error.name === 'UiaChallenge' && 'toJSON' in error && typeof error.toJSON === 'function'

const isStorageFull = (error: unknown): boolean => error instanceof Error && error.name === 'StorageFull'

/** Storage names it, or PostgreSQL's driver does; `http` may not import either. */
const isStorageAway = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'StorageAway' ||
    ('code' in error && typeof error.code === 'string' && AWAY_CODES.test(error.code)) ||
    error.message.startsWith('Connection terminated'))
