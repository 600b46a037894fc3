import { forbidden, MatrixError } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import { type Account, holdPassword } from '../../storage/accounts/accounts.ts'
import type { Tx } from '../../storage/db.ts'
import type { Credentials } from './credentials.ts'
import type { Identified } from './identifier.ts'
import type { LoginTokens } from './login-tokens.ts'
import type { DeviceWish } from './sessions/grants.ts'
import type { Opened, Sessions } from './sessions/sessions.ts'

interface Deps {
  readonly credentials: Credentials
  readonly sessions: Sessions
  readonly loginTokens: LoginTokens
  /** Whether people may log in with a password at all. */
  readonly byPassword: boolean
  /** Whether there are application services, which log their users in. */
  readonly byAppService: boolean
}

/** With the token of an application service (spec: Appservice Login). */
export const APP_SERVICE_LOGIN = 'm.login.application_service'

/** With a token that another device got. */
export const TOKEN_LOGIN = 'm.login.token'

/** Logging in (spec: client-server API, Login). */
export class Login {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The types of login that this server offers. */
  get types(): string[] {
    const { byPassword, byAppService, loginTokens } = this.#deps
    return [
      ...(byPassword ? ['m.login.password'] : []),
      ...(loginTokens.isEnabled ? [TOKEN_LOGIN] : []),
      ...(byAppService ? [APP_SERVICE_LOGIN] : []),
    ]
  }

  /** Throws `M_FORBIDDEN` for a wrong name or password, `M_USER_LOCKED`, `M_USER_DEACTIVATED` or `M_LIMIT_EXCEEDED`. */
  async withPassword(who: Identified, password: string, device: DeviceWish): Promise<Opened & { userId: UserId }> {
    const { credentials, byPassword } = this.#deps
    if (!byPassword) throw forbidden('Logging in with a password is switched off on this server')
    const account = await credentials.check(who, password)
    if (!account) throw refused()
    const { userNid, passwordHash = '' } = account
    // Checking takes its time, and waits for its turn: somebody may have set a new one and ended all logins meanwhile.
    return this.#open(account, device, async (tx) => {
      if (!(await holdPassword(tx, userNid, passwordHash))) throw refused()
    })
  }

  /** The same with a token of `LoginTokens`. */
  async withToken(token: string, device: DeviceWish): Promise<Opened & { userId: UserId }> {
    const account = await this.#deps.loginTokens.take(token)
    if (!account) throw forbidden('The login token is unknown, used up or too old')
    if (account.isDeactivated) throw new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated')
    return this.#open(account, device)
  }

  async #open(
    { userNid, userId, isLocked }: Account,
    device: DeviceWish,
    check?: (tx: Tx) => Promise<void>,
  ): Promise<Opened & { userId: UserId }> {
    if (isLocked) throw new MatrixError('M_USER_LOCKED', 'This account is locked', { fields: { soft_logout: true } })
    return { ...(await this.#deps.sessions.open(userNid, device, check)), userId }
  }
}

const refused = () => forbidden('Invalid user name or password')
