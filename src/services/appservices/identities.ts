import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { isUserId } from '../../matrix/ids.ts'
import { findAccount } from '../../storage/accounts/accounts.ts'
import { findDevice } from '../../storage/accounts/devices.ts'
import type { Db } from '../../storage/db.ts'
import type { Requester, Sessions } from '../accounts/sessions/sessions.ts'
import type { AppService } from './app-service.ts'
import type { AppServices } from './app-services.ts'

/** As whom an application service wants to act. */
export interface Assertion {
  readonly userId: string | undefined
  readonly deviceId: string | undefined
}

interface Deps {
  readonly db: Db
  readonly sessions: Sessions
  readonly appServices: AppServices
}

/** Whose token it is: a user's, or an application service's that acts as one of its users. */
export class Identities {
  readonly #deps: Deps
  readonly #listeners: ((service: AppService) => void)[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Told that an application service has spoken to us. */
  onHeard(listener: (service: AppService) => void): void {
    this.#listeners.push(listener)
  }

  isAppService(token: string): boolean {
    return this.#deps.appServices.byToken(token) !== undefined
  }

  /** Answers at once for a user's token in use. */
  authenticate(
    token: string,
    ip: string | undefined,
    userAgent: string | undefined,
    assertion: Assertion,
  ): Requester | MatrixError | Promise<Requester | MatrixError> {
    const { appServices, sessions } = this.#deps
    const service = appServices.byToken(token)
    if (!service) return sessions.authenticate(token, ip, userAgent)
    for (const listener of this.#listeners) listener(service)
    return this.#assert(service, assertion)
  }

  /** Spec: application service API, Identity assertion. */
  async #assert(service: AppService, { userId = service.sender, deviceId }: Assertion) {
    const { db, appServices } = this.#deps
    if (!isUserId(userId) || !appServices.hasUser(service, userId)) {
      return forbidden('This user is not in the namespaces of the application service')
    }
    const account = await findAccount(db, userId)
    if (!account) return forbidden('The application service has not registered this user')
    if (account.isDeactivated) return new MatrixError('M_USER_DEACTIVATED', 'This account has been deactivated')
    const { userNid } = account
    const device = deviceId === undefined ? undefined : await findDevice(db, userNid, deviceId)
    if (deviceId !== undefined && !device) {
      return new MatrixError('M_UNKNOWN_DEVICE', 'The user has no such device')
    }
    return {
      userId,
      userNid,
      // Without a device, the user stands for one where requests are told apart by device; no device has such a number.
      deviceId: device?.deviceId,
      deviceNid: device?.nid ?? -userNid,
      isGuest: false,
      isAdmin: account.isAdmin,
      isLocked: account.isLocked,
      isSuspended: account.isSuspended,
      appservice: service,
    }
  }
}
