import { emailAddress } from '../../matrix/email-address.ts'
import { MatrixError } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import * as accounts from '../../storage/accounts/accounts.ts'
import { findEmailOwner } from '../../storage/accounts/third-party-ids.ts'
import { type Db, transact } from '../../storage/db.ts'
import type { Identified } from './identifier.ts'
import type { Passwords } from './passwords/passwords.ts'
import { possibleUserIds } from './registration/usernames.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
  readonly passwords: Passwords
  /** Counts an attempt against an account or a name of one; throws `M_LIMIT_EXCEEDED` when there were too many. */
  countAttempt(name: string): void
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
   * @param who a user id or its localpart, in any case, or a mail address
   */
  async check(who: Identified, password: string): Promise<accounts.Account | undefined> {
    const { passwords, countAttempt } = this.#deps
    const { found, name } = await this.#find(who)
    // Counted before the password is checked, so that many attempts at once cannot pass together.
    if (name !== undefined) countAttempt(name)
    const matches = await passwords.verify(password, found?.passwordHash)
    if (found?.isDeactivated) throw new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated')
    if (!matches || found?.passwordHash === undefined) return undefined
    return { ...found, passwordHash: await this.#renewHash(found.userNid, found.passwordHash, password) }
  }

  /** Whether a person who says this means the account. */
  async means(who: Identified, userId: UserId): Promise<boolean> {
    if (typeof who === 'string') return possibleUserIds(who, this.#deps.serverName).includes(userId)
    return (await this.#find(who)).found?.userId === userId
  }

  /**
   * The account that is meant, and the name under which attempts are counted. For an address that is the address: counted
   * with those at the account, they would tell whose it is.
   */
  async #find(who: Identified): Promise<{ found: accounts.Account | undefined; name: string | undefined }> {
    const { db, serverName } = this.#deps
    if (typeof who === 'string') {
      const candidates = possibleUserIds(who, serverName)
      const found = await accounts.findFirstAccount(db, candidates)
      return { found, name: found?.userId ?? candidates.at(-1) }
    }
    const address = emailAddress(who.email)
    const owner = address === undefined ? undefined : await findEmailOwner(db, address)
    const found = owner === undefined ? undefined : await accounts.findAccountByNid(db, owner)
    return { found, name: address }
  }

  /** A hash made with other parameters than today's is made anew while the password is at hand; returns the one to use. */
  async #renewHash(userNid: number, stored: string, password: string): Promise<string> {
    const { db, passwords } = this.#deps
    if (!passwords.isOutdated(stored)) return stored
    const renewed = await passwords.hash(password)
    await transact(db, (tx) => accounts.replaceHash(tx, userNid, stored, renewed))
    return renewed
  }
}
