import { isUserId, type UserId } from '../matrix/ids.ts'

/**
 * Whose a state key is that begins with `@`, where state may be owned (MSC3757): a user id, alone or followed by `_` and
 * anything. undefined: nobody's, and no event may have it.
 */
export function stateOwner(stateKey: string): UserId | undefined {
  // A server name has no underscore, a localpart may have some.
  const end = stateKey.indexOf('_', stateKey.indexOf(':'))
  const owner = end < 0 ? stateKey : stateKey.slice(0, end)
  return isUserId(owner) ? owner : undefined
}
