import { forbidden, invalidParam, notFound } from '../../matrix/errors.ts'
import { serverOf, type UserId } from '../../matrix/ids.ts'
import type { Account } from '../../storage/accounts/accounts.ts'
import type { Accounts } from './accounts.ts'
import type { Device, Devices } from './devices.ts'
import type { Requester } from './sessions/sessions.ts'

interface Deps {
  readonly serverName: string
  readonly accounts: Accounts
  readonly devices: Devices
}

/** What administrators see of the accounts of this server, and do with them (spec: Server administration). */
export class AccountModeration {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * An account that this administrator may lock or suspend. `M_FORBIDDEN`, before anything is looked up, for who is no
   * administrator, and for the account of one; `M_INVALID_PARAM` for another server's; `M_NOT_FOUND`.
   */
  async subject(requester: Requester, userId: UserId): Promise<Account> {
    const account = await this.#find(requester, userId)
    if (account.isDeactivated) throw notFound('There is no such account')
    if (account.isAdmin) throw forbidden('The account of an administrator cannot be locked or suspended')
    return account
  }

  /** Effective at once, on all devices. Throws as `subject` does. */
  async setLocked(requester: Requester, userId: UserId, isLocked: boolean): Promise<void> {
    const { userNid } = await this.subject(requester, userId)
    await this.#deps.accounts.setLocked(userNid, isLocked)
  }

  /** Effective at once, on all devices. Throws as `subject` does. */
  async setSuspended(requester: Requester, userId: UserId, isSuspended: boolean): Promise<void> {
    const { userNid } = await this.subject(requester, userId)
    await this.#deps.accounts.setSuspended(userNid, isSuspended)
  }

  /** Where a user is logged in: for the user and for administrators. */
  async devicesOf(requester: Requester, userId: UserId): Promise<Device[]> {
    if (userId === requester.userId) return this.#deps.devices.list(requester)
    return this.#deps.devices.list(await this.#find(requester, userId))
  }

  async #find({ isAdmin }: Requester, userId: UserId): Promise<Account> {
    const { serverName, accounts } = this.#deps
    if (!isAdmin) throw forbidden('Only administrators can do this')
    if (serverOf(userId) !== serverName) throw invalidParam('This user belongs to another server')
    return accounts.get(userId)
  }
}
