import { type ErrCode, MatrixError } from '../matrix/errors.ts'

interface Details {
  /** What it answered; undefined when it did not. */
  readonly status?: number
  readonly errcode?: string
  /** `Retry-After` or `retry_after_ms`, in milliseconds. */
  readonly retryAfterMs?: number
  /** The body of an error, for the few fields that matter (`room_version`). */
  readonly body?: unknown
  readonly cause?: unknown
}

/** Another server did not do what it was asked: it is away, it refused, or its answer makes no sense. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure'
  readonly server: string
  readonly status: number | undefined
  readonly errcode: string | undefined
  readonly retryAfterMs: number | undefined
  readonly body: unknown

  constructor(server: string, message: string, { status, errcode, retryAfterMs, body, cause }: Details = {}) {
    super(`${server}: ${message}`, { cause })
    this.server = server
    this.status = status
    this.errcode = errcode
    this.retryAfterMs = retryAfterMs
    this.body = body
  }

  /**
   * What our client may be told: one of the `relayed` error codes, where the other server gave it, otherwise that the
   * other server failed. Its own 401 or 403 must not look like ours.
   */
  toClient(...relayed: ErrCode[]): MatrixError {
    const errcode = relayed.find((code) => code === this.errcode)
    if (errcode) return new MatrixError(errcode, 'The other server refused', { cause: this })
    return new MatrixError('M_UNKNOWN', 'The other server cannot be reached or refused', { status: 502, cause: this })
  }
}

/** Whether the server does not know the endpoint; some say so without an errcode (spec: Unsupported endpoints). */
export function isUnknownEndpoint(error: unknown): boolean {
  if (!(error instanceof RemoteFailure)) return false
  const { status, errcode } = error
  return (
    (status === 404 || status === 405 || status === 400) &&
    (errcode === 'M_UNRECOGNIZED' || (status !== 400 && !errcode))
  )
}
