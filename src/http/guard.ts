import { MatrixError, userSuspended } from '../matrix/errors.ts'
import type { Assertion } from '../services/appservices/identities.ts'
import type { Requester, Route } from './route.ts'

/**
 * Knows whose token it is. Answers at once where a cache knows, so that the hot path does not wait a turn; a
 * `MatrixError` is returned, not thrown, for tokens that do not do (`M_UNKNOWN_TOKEN` with or without `soft_logout`).
 * A locked account is a requester with `isLocked`.
 */
export interface Authenticator {
  authenticate(
    token: string,
    ip: string,
    userAgent: string | undefined,
    assertion: Assertion,
  ): Authentication | Promise<Authentication>
  /** Whether the token is an application service's. */
  isAppService(token: string): boolean
}
export type Authentication = Requester | MatrixError

const BEARER = /^Bearer +([^\s]+) *$/i

/** The access token of a request: from its header, or from its query where that is still allowed. */
export function accessTokenOf(
  authorization: string | undefined,
  query: Record<string, string | string[]>,
  allowInQuery: boolean,
): string | undefined {
  if (authorization !== undefined) return BEARER.exec(authorization)?.[1]
  const token = allowInQuery ? query.access_token : undefined
  return (typeof token === 'string' ? token : token?.[0]) || undefined
}

/** As whom an application service says to act; nobody else's token cares. The second name of the device is MSC3202's. */
export const assertionOf = (query: Record<string, string | string[]>): Assertion => ({
  userId: firstOf(query.user_id),
  deviceId: firstOf(query.device_id) ?? firstOf(query['org.matrix.msc3202.device_id']),
})

const firstOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0]

/**
 * The same for who has waited for an answer: nobody gets it who was logged out or locked meanwhile. A token that has only
 * run out may still have what it asked for in time.
 */
export function admitStill(spec: Pick<Route['spec'], 'auth' | 'whileLocked'>, found: Authentication): void {
  const hasRunOut = found instanceof MatrixError && found.fields.soft_logout === true
  if (!hasRunOut) admit(spec, found)
}

/** Whom a route lets in. Called for every kind of `auth` but 'none'. */
export function admit(
  { auth, whileLocked, refusesSuspended }: Pick<Route['spec'], 'auth' | 'whileLocked' | 'refusesSuspended'>,
  found: Authentication | undefined,
): Requester | undefined {
  if (found === undefined) {
    if (auth === 'optional') return undefined
    throw new MatrixError('M_MISSING_TOKEN', 'Missing access token')
  }
  if (found instanceof MatrixError) throw found
  if (found.isLocked && !whileLocked) {
    throw new MatrixError('M_USER_LOCKED', 'This account is locked', { fields: { soft_logout: true } })
  }
  if (found.isSuspended && refusesSuspended) {
    throw userSuspended()
  }
  if (found.isGuest && auth === 'user') {
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests cannot do this')
  }
  return found
}
