import type { Logger } from 'pino'
import type { ErrorAnswer } from './errors.ts'

const MAX_PATH = 200
/** A full disk fails every write: one line in this time says it. */
const STORAGE_LINE_MS = 10_000

/**
 * Writes one line a request, and lines about errors that an administrator should see: never a token, a password, a
 * query or a body.
 */
export class RequestLog {
  readonly #log: Logger
  readonly #lastStorageLine = new Map<ErrorAnswer['cause'], number>()

  constructor(log: Logger) {
    this.#log = log
  }

  request(id: string, operationId: string, userId: string | undefined, status: number, ms: number): void {
    this.#log.info({ req: id, op: operationId, user: userId, status, ms: rounded(ms) }, 'request')
  }

  /** A request for which there is no operation: its path says what was wanted. */
  unknown(id: string, method: string, path: string, status: number, ms: number): void {
    this.#log.info({ req: id, method, path: path.slice(0, MAX_PATH), status, ms: rounded(ms) }, 'request')
  }

  /** `now` is a monotonic time in milliseconds. */
  failure(cause: ErrorAnswer['cause'], error: unknown, id: string, operationId: string, now: number): void {
    if (cause === 'client') return
    if (cause === 'bug') {
      this.#log.error({ req: id, op: operationId, err: error }, 'unexpected error')
      return
    }
    const last = this.#lastStorageLine.get(cause)
    if (last !== undefined && now - last < STORAGE_LINE_MS) return
    this.#lastStorageLine.set(cause, now)
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    const what = cause === 'storage-full' ? 'the disk is full: writes are refused' : 'the database is not available'
    this.#log.error({ req: id, op: operationId, reason }, what)
  }
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100
