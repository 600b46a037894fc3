import { MatrixError } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import * as accounts from '../../storage/accounts.ts'
import { type Db, transact } from '../../storage/db.ts'
import type { Passwords } from './passwords.ts'
import { possibleUserIds } from './usernames.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
  readonly passwords: Passwords
  /** Counts an attempt against an account; throws `M_LIMIT_EXCEEDED` when there were too many. */
  countAttempt(userId: UserId): void
}

/** Finds out who somebody is by name and password. */
export class Credentials {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * The account, or `undefined` if the password is wrong or there is no such account: the two look the same and take
   * equally long. Throws `M_USER_DEACTIVATED` for an account that was ended.
   * @param typed a user id or its localpart, in any case
   */
  async check(typed: string, password: string): Promise<accounts.Account | undefined> {
    const { db, serverName, passwords, countAttempt } = this.#deps
    const candidates = possibleUserIds(typed, serverName)
    const found = await accounts.findFirstAccount(db, candidates)
    // Counted before the password is checked, so that many attempts at once cannot pass together.
    const userId = found?.userId ?? candidates.at(-1)
    if (userId !== undefined) countAttempt(userId)
    const matches = await passwords.verify(password, found?.passwordHash)
    if (found?.isDeactivated) throw new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated')
    if (!matches || found?.passwordHash === undefined) return undefined
    await this.#renewHash(found.userNid, found.passwordHash, password)
    return found
  }

  /** Whether a person who types this means the account. */
  means(typed: string, userId: UserId): boolean {
    return possibleUserIds(typed, this.#deps.serverName).includes(userId)
  }

  /** A hash made with other parameters than today's is made anew while the password is at hand. */
  async #renewHash(userNid: number, stored: string, password: string): Promise<void> {
    const { db, passwords } = this.#deps
    if (!passwords.isOutdated(stored)) return
    const renewed = await passwords.hash(password)
    await transact(db, (tx) => accounts.replaceHash(tx, userNid, stored, renewed))
  }
}
