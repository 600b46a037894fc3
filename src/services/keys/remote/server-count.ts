import { tooLarge } from '../../../matrix/errors.ts'
import { serverOf, type UserId } from '../../../matrix/ids.ts'

/** All are turned to at once, known or made up. Clients ask about 250 users at a time. */
const MAX_SERVERS = 500

/** Throws `M_TOO_LARGE` where the users of one request are of too many other servers. */
export function checkServers(userIds: readonly UserId[]): void {
  if (new Set(userIds.map(serverOf)).size > MAX_SERVERS) {
    throw tooLarge(`The users of one request are of at most ${MAX_SERVERS} other servers`)
  }
}
