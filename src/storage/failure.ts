import { MatrixError } from '../matrix/errors.ts'

/** The disk (or the quota) is full. Nothing is corrupt: the write that met it is undone, and writes work again once there is room. */
export class StorageFull extends MatrixError {
  constructor(cause: unknown) {
    super('M_RESOURCE_LIMIT_EXCEEDED', 'The server has no room left on its disk', { status: 507, cause })
  }
}

/** The database does not answer, or gave up in the middle of a statement. */
export class StorageAway extends MatrixError {
  constructor(cause: unknown) {
    super('M_UNKNOWN', 'The database is away; try again later', { status: 503, cause })
  }
}

const AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENOENT',
])

const FULL = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT'])

/** The same for what befalls a file of ours beside the database. */
export const diskFailure = (error: unknown): unknown => (FULL.has(codeOf(error)) ? new StorageFull(error) : error)

/** Gives the failures that an administrator can do something about their own type; leaves any other error as it is. */
export function storageFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof MatrixError) return error
  const code = codeOf(error)
  if (FULL.has(code)) return new StorageFull(error)
  // What a full disk looks like when SQLite meets it while it extends a file other than the database.
  if (code === 'SQLITE_IOERR_WRITE' || code === 'SQLITE_IOERR_SHMSIZE') return new StorageFull(error)
  if (code.startsWith('SQLITE_IOERR') || code === 'SQLITE_BUSY') return new StorageAway(error)
  if (code === '53100') return new StorageFull(error)
  // Classes 08 (connection), 53 (resources), 57P (shutdown) of PostgreSQL's error codes.
  if (/^(08|53|57P)/.test(code) || AWAY.has(code) || isLostConnection(error)) return new StorageAway(error)
  return error
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** These have no code: pg reports a broken connection and an exhausted pool by their messages alone. */
const LOST_CONNECTION =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error)/

const isLostConnection = (error: Error) => LOST_CONNECTION.test(error.message)

/** PostgreSQL ended one of several transactions that waited for each other; repeated, it will pass. */
export const isDeadlock = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === '40P01' || error.code === '40001')
