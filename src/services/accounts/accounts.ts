import { forbidden, MatrixError, notFound } from '../../matrix/errors.ts'
import { localpartOf, type UserId } from '../../matrix/ids.ts'
import * as accounts from '../../storage/accounts/accounts.ts'
import { deleteResetsOf } from '../../storage/accounts/email-validations.ts'
import { deleteThirdPartyIds } from '../../storage/accounts/third-party-ids.ts'
import { deleteSessionsOf } from '../../storage/accounts/uia.ts'
import { type Db, type Tx, transact } from '../../storage/db.ts'
import { markDeleted } from '../../storage/keys/key-backups.ts'
import { internName } from '../../storage/names.ts'
import type { Clock } from '../../util/clock.ts'
import type { DeviceLists } from '../keys/device-lists.ts'
import type { Profiles } from '../profiles/profiles.ts'
import type { Stream } from '../stream.ts'
import { endDevices } from './ended-devices.ts'
import type { Passwords } from './passwords/passwords.ts'
import { newUserId, possibleUserIds } from './registration/usernames.ts'
import { type DeviceWish, storeLogin } from './sessions/grants.ts'
import { type Opened, openedOf, type Sessions } from './sessions/sessions.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly serverName: string
  readonly passwords: Passwords
  readonly sessions: Sessions
  readonly stream: Stream
  /** Told of devices that end. */
  readonly lists: DeviceLists
  /** Whether an application service has this user id, and ids like it, for itself. */
  isExclusive(userId: UserId): boolean
  readonly profiles: Profiles
}

export interface NewUser {
  readonly userId: UserId
  readonly passwordHash: string | undefined
  readonly isAdmin?: boolean
  readonly isGuest?: boolean
  /** Other than a person: 'bot' or 'support'. */
  readonly userType?: string | undefined
  /** Left out: the localpart, as other servers do it. */
  readonly displayName?: string | undefined
  /** The device to log in on; without one, only the account is made. */
  readonly device?: DeviceWish
}

type DeactivatedListener = (userNid: number, erase: boolean) => void

/** The local accounts. */
export class Accounts {
  readonly #deps: Deps
  readonly #deactivatedListeners: DeactivatedListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The id that an account of this name has. Throws `M_INVALID_USERNAME`. */
  idFor(username: string): UserId {
    return newUserId(username, this.#deps.serverName)
  }

  /** Throws `M_EXCLUSIVE` or `M_USER_IN_USE` when nobody can take this id. */
  async checkAvailable(userId: UserId): Promise<void> {
    const { db, isExclusive } = this.#deps
    if (isExclusive(userId)) throw new MatrixError('M_EXCLUSIVE', 'This user name belongs to an application service')
    if (await accounts.findAccount(db, userId)) throw inUse()
  }

  /**
   * Makes an account, and logs a device in on it when the user comes with one.
   * @param alongside further writes of the same transaction
   */
  async create(
    user: NewUser,
    alongside: (tx: Tx, userNid: number) => Promise<void> = async () => {},
  ): Promise<Opened | undefined> {
    const { db, clock, sessions, profiles } = this.#deps
    const { userId, passwordHash, isAdmin = false, isGuest = false, userType } = user
    const { displayName = localpartOf(userId) } = user
    const login = user.device && sessions.mint(user.device)
    await transact(db, async (tx) => {
      const userNid = await internName(tx, userId)
      const account = { userNid, userId, passwordHash, isAdmin, isGuest, userType, createdTs: clock.now() }
      if (!(await accounts.insertAccount(tx, account))) throw inUse()
      await profiles.insert(tx, { userId, userNid }, displayName)
      if (login) await storeLogin(tx, userNid, login)
      await alongside(tx, userNid)
    })
    return login && openedOf(login)
  }

  /** Makes an account from outside the client API; the password policy holds here too. */
  async createWithPassword(username: string, password: string, isAdmin: boolean): Promise<UserId> {
    const { passwords } = this.#deps
    const userId = this.idFor(username)
    passwords.check(password)
    await this.checkAvailable(userId)
    await this.create({ userId, passwordHash: await passwords.hash(password), isAdmin })
    return userId
  }

  /** The account that a person means who types a name or a user id, in any case. */
  find(typed: string): Promise<accounts.Account | undefined> {
    return accounts.findFirstAccount(this.#deps.db, possibleUserIds(typed, this.#deps.serverName))
  }

  /** Like `find`; throws `M_NOT_FOUND`. */
  async get(typed: string): Promise<accounts.Account> {
    const account = await this.find(typed)
    if (!account) throw notFound('There is no such account')
    return account
  }

  /** A page of accounts in order of their ids; `after` is exclusive. */
  list(after: string, limit: number): Promise<accounts.Account[]> {
    return accounts.listAccounts(this.#deps.db, after, limit)
  }

  /** A locked account keeps its logins but can use none of them until it is unlocked (spec: Account locking). */
  async setLocked(userNid: number, isLocked: boolean): Promise<void> {
    await this.#change(userNid, (tx) => accounts.updateLocked(tx, userNid, isLocked))
  }

  /** A suspended account can read and leave, and do little else (spec: Account suspension). */
  async setSuspended(userNid: number, isSuspended: boolean): Promise<void> {
    await this.#change(userNid, (tx) => accounts.updateSuspended(tx, userNid, isSuspended))
  }

  /**
   * Sets a password. Throws `M_WEAK_PASSWORD`, and `M_FORBIDDEN` for an account that was ended.
   * @param logins which logins end with the old password: none, or all but one device's, or all
   * @param alongside further writes of the same transaction
   */
  async setPassword(
    userNid: number,
    password: string,
    logins: 'keep' | { readonly endAllBut: number | undefined },
    alongside: (tx: Tx) => Promise<void> = async () => {},
  ): Promise<void> {
    const { passwords, stream, lists, sessions } = this.#deps
    passwords.check(password)
    const hash = await passwords.hash(password)
    const owner = await this.#byNid(userNid)
    await stream.write(async (tx, take) => {
      if (!(await accounts.updatePassword(tx, userNid, hash))) throw forbidden('This account has been deactivated')
      await alongside(tx)
      // Whoever had confirmed something by the old one, or by mail, has to do so anew.
      await deleteSessionsOf(tx, userNid)
      await deleteResetsOf(tx, userNid)
      if (logins === 'keep') return { value: undefined }
      return endDevices(lists, tx, take, owner, { allBut: logins.endAllBut })
    })
    sessions.forgetUser(userNid)
  }

  /**
   * Ends an account for ever: its logins, its password, its profile, its backups of keys; with `erase` also what else
   * the server keeps of the user beside events. Leaving its rooms follows in the background (`leaveDeactivated`).
   */
  async deactivate(userNid: number, erase: boolean): Promise<void> {
    const { profiles, stream, lists, sessions } = this.#deps
    const account = await this.#byNid(userNid)
    await stream.write(async (tx, take) => {
      await accounts.updateDeactivated(tx, userNid, erase)
      await profiles.delete(tx, account)
      await markDeleted(tx, userNid)
      await deleteThirdPartyIds(tx, userNid)
      if (erase) await accounts.deletePrivateData(tx, userNid)
      return endDevices(lists, tx, take, account, { allBut: undefined })
    })
    sessions.forgetUser(userNid)
    for (const listener of this.#deactivatedListeners) listener(userNid, erase)
  }

  /** Told after the commit that an account has ended, and whether its user wants to be forgotten. */
  onDeactivated(listener: DeactivatedListener): void {
    this.#deactivatedListeners.push(listener)
  }

  async #byNid(userNid: number): Promise<accounts.Account> {
    const account = await accounts.findAccountByNid(this.#deps.db, userNid)
    if (!account) throw notFound('There is no such account')
    return account
  }

  /** A change of what every request of the account depends on. */
  async #change(userNid: number, write: (tx: Tx) => Promise<void>): Promise<void> {
    await transact(this.#deps.db, write)
    this.#deps.sessions.forgetUser(userNid)
  }
}

const inUse = () => new MatrixError('M_USER_IN_USE', 'This user name is taken')
