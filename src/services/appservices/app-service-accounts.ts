import { forbidden, MatrixError, missingParam } from '../../matrix/errors.ts'
import { isNewLocalpart, isUserId, localpartOf, userIdOf } from '../../matrix/ids.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Registered } from '../accounts/registration/registration.ts'
import type { DeviceWish } from '../accounts/sessions/grants.ts'
import type { Opened, Sessions } from '../accounts/sessions/sessions.ts'
import type { AppService } from './app-service.ts'
import type { AppServices } from './app-services.ts'

interface Deps {
  readonly serverName: string
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly appServices: AppServices
}

/** Application services making and logging in their users (spec: Server admin style permissions). */
export class AppServiceAccounts {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Makes the users that the application services act as by default. */
  async start(): Promise<void> {
    const { accounts, appServices } = this.#deps
    for (const { sender } of appServices.all) {
      if (!(await accounts.find(sender))) await accounts.create({ userId: sender, passwordHash: undefined })
    }
  }

  /** Registers a user without a password. Throws `M_EXCLUSIVE` outside of the namespaces, and `M_USER_IN_USE`. */
  async register(
    asToken: string | undefined,
    { username, device, inhibitLogin }: { username: string | undefined; device: DeviceWish; inhibitLogin: boolean },
  ): Promise<Registered> {
    const { accounts, appServices, serverName } = this.#deps
    const service = appServices.withToken(asToken)
    if (username === undefined) throw missingParam('Missing username')
    const userId = userIdOf(username, serverName)
    if (!isNewLocalpart(username) || !isUserId(userId)) {
      throw new MatrixError('M_INVALID_USERNAME', 'A user name consists of a-z, 0-9 and the characters . _ = - / +')
    }
    this.#requireOwn(service, userId)
    if (appServices.isUserTaken(userId, service)) {
      throw new MatrixError('M_EXCLUSIVE', 'This user name belongs to another application service')
    }
    const login = await accounts.create({ userId, passwordHash: undefined, ...(!inhibitLogin && { device }) })
    return { userId, login }
  }

  /** Logs one of its users in. `user`: a localpart or a user id. */
  async login(
    asToken: string | undefined,
    user: string,
    device: DeviceWish,
  ): Promise<Opened & Pick<Registered, 'userId'>> {
    const { accounts, appServices, sessions } = this.#deps
    const service = appServices.withToken(asToken)
    const account = await accounts.find(user)
    this.#requireOwn(service, account?.userId ?? user)
    if (!account) throw forbidden('The application service has not registered this user')
    if (account.isDeactivated) throw new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated')
    return { ...(await sessions.open(account.userNid, device)), userId: account.userId }
  }

  #requireOwn(service: AppService, user: string): void {
    const { appServices, serverName } = this.#deps
    const userId = user.startsWith('@') ? user : userIdOf(user, serverName)
    if (appServices.hasUser(service, userId)) return
    throw new MatrixError('M_EXCLUSIVE', `${localpartOf(userId)} is not in the namespaces of the application service`)
  }
}
