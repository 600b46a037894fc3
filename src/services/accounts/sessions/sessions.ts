import { MatrixError } from '../../../matrix/errors.ts'
import type { UserId } from '../../../matrix/ids.ts'
import type { Sighting } from '../../../storage/accounts/devices.ts'
import * as tokens from '../../../storage/accounts/tokens.ts'
import { type Db, type Tx, transact } from '../../../storage/db.ts'
import { deleteInPieces } from '../../../storage/expire.ts'
import type { AppService } from '../../appservices/app-service.ts'
import { hashToken } from '../token-text.ts'
import { ExpiredTokens } from './expired-tokens.ts'
import { type DeviceWish, type Login, type MintDeps, mintLogin, storeLogin } from './grants.ts'
import { LastSeen } from './last-seen.ts'
import { refreshTokens, revokeOthers } from './refresh.ts'
import { TokenCache } from './token-cache.ts'

/** Who sent a request. */
export interface Requester {
  readonly userId: UserId
  readonly userNid: number
  /** Undefined: an application service that named none. */
  readonly deviceId: string | undefined
  readonly deviceNid: number
  readonly isGuest: boolean
  readonly isAdmin: boolean
  readonly isLocked: boolean
  readonly isSuspended: boolean
  /** The application service that acts as this user. */
  readonly appservice?: AppService
}

export interface Deps extends MintDeps {
  readonly db: Db
  readonly maxCachedTokens: number
  /** A device's last sighting is noted at most this often. */
  readonly lastSeenEveryMs: number
}

/** What a client gets for logging in. */
export interface Opened {
  readonly deviceId: string
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly expiresInMs: number | undefined
}

/** @param softLogout the device stays what it was and may log in again */
export const unknownToken = (softLogout: boolean) =>
  new MatrixError('M_UNKNOWN_TOKEN', softLogout ? 'The access token has expired' : 'Unknown access token', {
    fields: { soft_logout: softLogout },
  })

/** Access tokens: whose they are, giving them out, ending them. */
export class Sessions {
  readonly #deps: Deps
  readonly #cache: TokenCache
  readonly #lastSeen: LastSeen
  readonly #expired: ExpiredTokens

  constructor(deps: Deps) {
    this.#deps = deps
    this.#cache = new TokenCache(deps.maxCachedTokens)
    this.#lastSeen = new LastSeen(deps)
    this.#expired = new ExpiredTokens(deps.db)
  }

  /** Whose token it is; answers at once for a token in use. */
  authenticate(
    token: string,
    ip?: string,
    userAgent?: string,
  ): Requester | MatrixError | Promise<Requester | MatrixError> {
    const held = this.#cache.get(token)
    if (!held) return this.#look(token, ip, userAgent)
    const now = this.#deps.clock.now()
    const { owner } = held
    if (owner.expiresTs !== undefined && owner.expiresTs <= now) return unknownToken(true)
    if (now - held.notedTs >= this.#deps.lastSeenEveryMs) {
      held.notedTs = now
      this.#lastSeen.note(owner.deviceNid, ip, userAgent)
    }
    return owner
  }

  async #look(token: string, ip: string | undefined, userAgent: string | undefined) {
    const { db, clock } = this.#deps
    const { generation } = this.#cache
    const owner = await tokens.findAccessToken(db, hashToken(token))
    if (!owner) return unknownToken(false)
    const now = clock.now()
    if (owner.expiresTs !== undefined && owner.expiresTs <= now) return unknownToken(true)
    if (owner.spends !== undefined) {
      await revokeOthers(db, owner.deviceNid, owner.spends)
      this.#cache.dropDevices(owner.userNid, [owner.deviceNid])
    }
    this.#cache.put(token, { owner, notedTs: now }, generation)
    this.#lastSeen.note(owner.deviceNid, ip, userAgent)
    return owner
  }

  /** Makes the tokens of a new login, to be stored in the caller's transaction or by `open`. */
  mint(wish: DeviceWish): Login {
    return mintLogin(this.#deps, wish)
  }

  /**
   * Logs a device of the user in. What the device had been given before is void.
   * @param check throws, as part of the transaction, when the user may not log in any more
   */
  async open(userNid: number, wish: DeviceWish, check: (tx: Tx) => Promise<void> = async () => {}): Promise<Opened> {
    const login = this.mint(wish)
    const deviceNid = await transact(this.#deps.db, async (tx) => {
      await check(tx)
      return storeLogin(tx, userNid, login)
    })
    this.forgetDevices(userNid, [deviceNid])
    return openedOf(login)
  }

  /** New tokens for a refresh token; the old one stays valid until the new ones are first used. */
  async refresh(refreshToken: string): Promise<Omit<Opened, 'deviceId'>> {
    const { grant, userNid, deviceNid, revoked } = await refreshTokens(this.#deps, refreshToken)
    if (revoked) this.forgetDevices(userNid, [deviceNid])
    return grant
  }

  /** Call after ending tokens of these devices. */
  forgetDevices(userNid: number, deviceNids: readonly number[]): void {
    this.#cache.dropDevices(userNid, deviceNids)
  }

  /** Call after changing anything about an account that requests depend on. */
  forgetUser(userNid: number): void {
    this.#cache.dropUser(userNid)
  }

  /** A sighting of the device that is not in the database yet. */
  lastSeen(deviceNid: number): Sighting | undefined {
    return this.#lastSeen.find(deviceNid)
  }

  flushLastSeen(): Promise<void> {
    return this.#lastSeen.flush()
  }

  async expire(now: number): Promise<void> {
    const { db } = this.#deps
    await this.#expired.forget(now)
    await deleteInPieces(db, (tx, limit) => tokens.deleteExpiredRefreshTokens(tx, now, limit))
  }
}

export const openedOf = ({ deviceId, grant }: Login): Opened => ({
  deviceId,
  accessToken: grant.accessToken,
  refreshToken: grant.refreshToken,
  expiresInMs: grant.expiresInMs,
})
