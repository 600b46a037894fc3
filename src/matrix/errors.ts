/**
 * Errors meant for the client: one class, the status from one table.
 * Everything else that is thrown is a bug and answered `500 M_UNKNOWN` without its message.
 */
const STATUS = {
  M_BAD_ALIAS: 400,
  M_BAD_JSON: 400,
  M_BAD_STATE: 400,
  M_DUPLICATE_ANNOTATION: 400,
  M_EXCLUSIVE: 400,
  M_INCOMPATIBLE_ROOM_VERSION: 400,
  M_INVALID_PARAM: 400,
  M_INVALID_ROOM_STATE: 400,
  M_INVALID_SIGNATURE: 400,
  M_INVALID_USERNAME: 400,
  M_KEY_TOO_LARGE: 400,
  M_MISSING_PARAM: 400,
  M_NOT_JSON: 400,
  M_PROFILE_TOO_LARGE: 400,
  M_ROOM_IN_USE: 400,
  M_SERVER_NOT_TRUSTED: 400,
  M_THREEPID_IN_USE: 400,
  M_THREEPID_MEDIUM_NOT_SUPPORTED: 400,
  M_THREEPID_NOT_FOUND: 400,
  M_UNABLE_TO_AUTHORISE_JOIN: 400,
  M_UNABLE_TO_GRANT_JOIN: 400,
  M_UNKNOWN_DEVICE: 400,
  M_UNKNOWN_POS: 400,
  M_UNSUPPORTED_ROOM_VERSION: 400,
  M_URL_NOT_SET: 400,
  M_USER_IN_USE: 400,
  M_WEAK_PASSWORD: 400,
  'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD': 400,
  M_MISSING_TOKEN: 401,
  M_UNAUTHORIZED: 401,
  M_UNKNOWN_TOKEN: 401,
  M_USER_LOCKED: 401,
  M_CANNOT_LEAVE_SERVER_NOTICE_ROOM: 403,
  M_FORBIDDEN: 403,
  M_GUEST_ACCESS_FORBIDDEN: 403,
  M_INVITE_BLOCKED: 403,
  M_THREEPID_AUTH_FAILED: 403,
  M_THREEPID_DENIED: 403,
  M_USER_DEACTIVATED: 403,
  M_USER_SUSPENDED: 403,
  M_WRONG_ROOM_KEYS_VERSION: 403,
  M_NOT_FOUND: 404,
  M_UNRECOGNIZED: 404,
  M_CANNOT_OVERWRITE_MEDIA: 409,
  'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION': 409,
  M_TOO_LARGE: 413,
  M_LIMIT_EXCEEDED: 429,
  M_UNKNOWN: 500,
  M_BAD_STATUS: 502,
  M_CONNECTION_FAILED: 502,
  M_CONNECTION_TIMEOUT: 504,
  M_NOT_YET_UPLOADED: 504,
  M_RESOURCE_LIMIT_EXCEEDED: 507,
} as const

/** The errcodes that we answer with; the specification's, and a few of proposals. */
export type ErrCode = keyof typeof STATUS

export const isErrCode = (text: string | undefined): text is ErrCode =>
  text !== undefined && Object.hasOwn(STATUS, text)

interface Options {
  /** Overrides the errcode's usual HTTP status. */
  status?: number
  /** Further fields of the body: `soft_logout`, `retry_after_ms`, `room_version` … */
  fields?: Record<string, unknown>
  cause?: unknown
}

/**
 * An error that is meant for the client: its message is shown to people. Anything else that is thrown is a bug, and
 * stays in the log.
 */
export class MatrixError extends Error {
  override readonly name = 'MatrixError'
  readonly errcode: ErrCode
  readonly status: number
  readonly fields: Record<string, unknown>

  constructor(errcode: ErrCode, message: string, { status, fields = {}, cause }: Options = {}) {
    super(message, { cause })
    this.errcode = errcode
    this.status = status ?? STATUS[errcode]
    this.fields = fields
  }

  toJSON() {
    return { errcode: this.errcode, error: this.message, ...this.fields }
  }
}

export const forbidden = (message: string) => new MatrixError('M_FORBIDDEN', message)
export const userSuspended = () =>
  new MatrixError('M_USER_SUSPENDED', 'You cannot do this while your account is suspended')
export const notFound = (message: string) => new MatrixError('M_NOT_FOUND', message)
export const badJson = (message: string) => new MatrixError('M_BAD_JSON', message)
export const invalidParam = (message: string) => new MatrixError('M_INVALID_PARAM', message)
export const missingParam = (message: string) => new MatrixError('M_MISSING_PARAM', message)
export const tooLarge = (message: string) => new MatrixError('M_TOO_LARGE', message)
