import { forbidden, MatrixError, missingParam } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Accounts } from './accounts.ts'
import type { ThirdPartyIds } from './email/third-party-ids.ts'
import type { Passwords } from './passwords/passwords.ts'
import type { Requester } from './sessions/sessions.ts'
import type { Authorised, Uia } from './uia/uia.ts'
import type { UiaSessions } from './uia/uia-sessions.ts'
import type { Stage } from './uia/uia-stages.ts'

interface Deps {
  readonly accounts: Accounts
  readonly passwords: Passwords
  readonly uia: Uia
  readonly uiaSessions: UiaSessions
  readonly thirdPartyIds: ThirdPartyIds
  /** Whether people may change their own password. */
  readonly mayChangePassword: boolean
}

/** A request about an account by somebody who knows its password, with or without being logged in. */
interface OwnRequest {
  readonly requester: Requester | undefined
  readonly auth: JsonObject | undefined
}

/** What people do with their own account (spec: client-server API, Account management of the legacy API). */
export class OwnAccount {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** @param logoutDevices ends all other logins of the account */
  async changePassword(
    request: OwnRequest & { readonly newPassword: string | undefined; readonly logoutDevices: boolean },
  ): Promise<void> {
    const { accounts, passwords, uiaSessions, thirdPartyIds } = this.#deps
    const { requester, newPassword, logoutDevices } = request
    this.checkMayChangePassword()
    if (newPassword !== undefined) passwords.check(newPassword)
    const authorised = await this.#confirm('client.changePassword', request, [
      ['m.login.password'],
      ...(thirdPartyIds.areChangeable ? [['m.login.email.identity'] as const] : []),
    ])
    if (newPassword === undefined) throw missingParam('Missing new_password')
    await accounts.setPassword(
      ownerOf(requester, authorised),
      newPassword,
      logoutDevices ? { endAllBut: requester?.deviceNid } : 'keep',
      async (tx) => {
        await uiaSessions.spend(tx, authorised.session)
        if (authorised.email) await thirdPartyIds.validations.spend(tx, authorised.email.sid)
      },
    )
  }

  /** Throws `M_FORBIDDEN` where nobody may. */
  checkMayChangePassword(): void {
    if (!this.#deps.mayChangePassword) throw forbidden('Passwords cannot be changed here')
  }

  async deactivate(request: OwnRequest & { readonly erase: boolean }): Promise<void> {
    const authorised = await this.#confirm('client.deactivateAccount', request, [['m.login.password']])
    await this.#deps.accounts.deactivate(ownerOf(request.requester, authorised), request.erase)
  }

  #confirm(
    operation: string,
    { requester, auth }: OwnRequest,
    flows: readonly (readonly Stage[])[],
  ): Promise<Authorised> {
    if (requester?.isGuest) throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests have no password')
    return this.#deps.uia.authenticate({ operation, requester, auth, flows })
  }
}

/** Whose account it is: that of the access token, or else the one whose password was given or whose address was confirmed. */
function ownerOf(requester: Requester | undefined, { provedNid }: Authorised): number {
  const owner = requester?.userNid ?? provedNid
  if (owner === undefined) throw new Error('A password was confirmed without an account')
  return owner
}
