import { MatrixError } from '../matrix/errors.ts'

/** What an error looks like to the client, and what the log should make of it. */
export interface ErrorAnswer {
  readonly status: number
  readonly body: object
  readonly headers: Readonly<Record<string, string>>
  /** 'client': normal life. The others deserve a line in the log: a full disk, a database that is away, a bug. */
  readonly cause: 'client' | 'storage-full' | 'storage-away' | 'bug'
}

/** The statuses that storage gives to what only an administrator can mend. */
const CAUSES: Readonly<Record<number, ErrorAnswer['cause']>> = { 507: 'storage-full', 503: 'storage-away' }
/** After so many milliseconds a client may try again when the database is away. */
const AWAY_RETRY_MS = 2000

/** Anything thrown, turned into an answer. Only a `MatrixError` and its like may say something to the client. */
export function toErrorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof MatrixError) return fromMatrixError(error)
  if (isChallenge(error)) return { status: 401, body: error.toJSON(), headers: {}, cause: 'client' }
  return { ...fromMatrixError(new MatrixError('M_UNKNOWN', 'Internal server error')), cause: 'bug' }
}

function fromMatrixError(error: MatrixError): ErrorAnswer {
  const cause = CAUSES[error.status] ?? 'client'
  const retryMs = cause === 'storage-away' ? AWAY_RETRY_MS : error.fields.retry_after_ms
  const headers: Record<string, string> = {}
  if (typeof retryMs === 'number') headers['Retry-After'] = String(Math.max(1, Math.ceil(retryMs / 1000)))
  return { status: error.status, body: error.toJSON(), headers, cause }
}

/** `UiaChallenge`: the 401 of user-interactive authentication, whose body is flows, params and session. */
const isChallenge = (error: unknown): error is Error & { toJSON(): object } =>
  error instanceof Error && error.name === 'UiaChallenge' && 'toJSON' in error && typeof error.toJSON === 'function'
