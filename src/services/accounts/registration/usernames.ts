import { MatrixError } from '../../../matrix/errors.ts'
import { isNewLocalpart, isUserId, type UserId, userIdOf } from '../../../matrix/ids.ts'

/**
 * The id of a new user who asked for this name, folded to lower case. Throws `M_INVALID_USERNAME` for what the grammar
 * of user ids does not allow.
 */
export function newUserId(username: string, serverName: string): UserId {
  const localpart = username.toLowerCase()
  if (!isNewLocalpart(localpart)) throw invalid('A user name consists of a-z, 0-9 and the characters . _ = - / +')
  // Bridges and the server itself name their users like this.
  if (localpart.startsWith('_')) throw invalid('A user name does not begin with _')
  const userId = userIdOf(localpart, serverName)
  if (!isUserId(userId)) throw invalid('The user name is too long')
  return userId
}

/**
 * Which local accounts a person may mean who types a name or an id, the likeliest first. Ids of today are in lower
 * case; older ones may have capitals.
 */
export function possibleUserIds(typed: string, serverName: string): UserId[] {
  const exact = typed.startsWith('@') ? typed : `@${typed}:${serverName}`
  const colon = exact.indexOf(':')
  const folded = exact.slice(0, colon).toLowerCase() + exact.slice(colon)
  return [...new Set([exact, folded])].filter(isUserId).filter((id) => id.endsWith(`:${serverName}`))
}

const invalid = (message: string) => new MatrixError('M_INVALID_USERNAME', message)
