import { forbidden, MatrixError } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import type { Credentials } from './credentials.ts'
import type { DeviceWish } from './grants.ts'
import type { Opened, Sessions } from './sessions.ts'

interface Deps {
  readonly credentials: Credentials
  readonly sessions: Sessions
  /** Whether people may log in with a password at all. */
  readonly byPassword: boolean
  /** Whether there are application services, which log their users in. */
  readonly byAppService: boolean
}

/** With the token of an application service (spec: Appservice Login). */
export const APP_SERVICE_LOGIN = 'm.login.application_service'

/** Logging in (spec: client-server API, Login). */
export class Login {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The types of login that this server offers. */
  get types(): string[] {
    const { byPassword, byAppService } = this.#deps
    return [...(byPassword ? ['m.login.password'] : []), ...(byAppService ? [APP_SERVICE_LOGIN] : [])]
  }

  /** Throws `M_FORBIDDEN` for a wrong name or password, `M_USER_LOCKED`, `M_USER_DEACTIVATED` or `M_LIMIT_EXCEEDED`. */
  async withPassword(typed: string, password: string, device: DeviceWish): Promise<Opened & { userId: UserId }> {
    const { credentials, sessions, byPassword } = this.#deps
    if (!byPassword) throw forbidden('Logging in with a password is switched off on this server')
    const account = await credentials.check(typed, password)
    if (!account) throw forbidden('Invalid user name or password')
    if (account.isLocked) {
      throw new MatrixError('M_USER_LOCKED', 'This account is locked', { fields: { soft_logout: true } })
    }
    return { ...(await sessions.open(account.userNid, device)), userId: account.userId }
  }
}
