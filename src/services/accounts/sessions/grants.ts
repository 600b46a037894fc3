import { invalidParam } from '../../../matrix/errors.ts'
import * as devices from '../../../storage/accounts/devices.ts'
import * as tokens from '../../../storage/accounts/tokens.ts'
import type { Tx } from '../../../storage/db.ts'
import { hasCrossSigningKey } from '../../../storage/keys/cross-signing.ts'
import type { Clock } from '../../../util/clock.ts'
import { hashToken, newAccessToken, newDeviceId, newRefreshToken } from '../token-text.ts'

/** How long tokens last. `undefined`: for ever. */
export interface TokenLifetimes {
  /** Access tokens of clients that can refresh them. */
  readonly refreshableMs: number
  readonly refreshMs: number | undefined
  /** Access tokens of clients that cannot; when one runs out, the client is asked to log in again (soft logout). */
  readonly plainMs: number | undefined
}

export interface MintDeps {
  readonly clock: Clock
  readonly lifetimes: TokenLifetimes
  random(bytes: number): Uint8Array
}

/** A pair of fresh tokens, not stored yet. */
export interface Grant {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly expiresInMs: number | undefined
  readonly refreshExpiresInMs: number | undefined
  readonly createdTs: number
}

/** What a client may say about the device that it logs in. */
export interface DeviceWish {
  readonly deviceId?: string | undefined
  readonly displayName?: string | undefined
  readonly wantsRefresh?: boolean | undefined
}

/** Makes the tokens of a login; nothing is stored yet, so it may stand outside the transaction. */
export const mintGrant = ({ clock, lifetimes, random }: MintDeps, wantsRefresh: boolean): Grant => ({
  accessToken: newAccessToken(random),
  refreshToken: wantsRefresh ? newRefreshToken(random) : undefined,
  expiresInMs: wantsRefresh ? lifetimes.refreshableMs : lifetimes.plainMs,
  refreshExpiresInMs: wantsRefresh ? lifetimes.refreshMs : undefined,
  createdTs: clock.now(),
})

/** Stores both tokens; returns the hash of the refresh token. */
export async function storeGrant(
  tx: Tx,
  userNid: number,
  deviceNid: number,
  grant: Grant,
): Promise<string | undefined> {
  const { createdTs } = grant
  const after = (ms: number | undefined) => (ms === undefined ? undefined : createdTs + ms)
  const refreshHash = grant.refreshToken && hashToken(grant.refreshToken)
  const common = { userNid, deviceNid, createdTs }
  await tokens.insertAccessToken(tx, {
    ...common,
    tokenHash: hashToken(grant.accessToken),
    expiresTs: after(grant.expiresInMs),
    refreshHash,
  })
  if (refreshHash !== undefined) {
    const expiresTs = after(grant.refreshExpiresInMs)
    await tokens.insertRefreshToken(tx, { ...common, tokenHash: refreshHash, expiresTs })
  }
  return refreshHash
}

/** A login that is ready to be stored: its device, and the tokens for it. */
export interface Login {
  readonly deviceId: string
  readonly displayName: string | undefined
  readonly grant: Grant
}

/** Makes a login for a device, the client's own or a new one. */
export const mintLogin = (deps: MintDeps, wish: DeviceWish): Login => ({
  deviceId: wish.deviceId || newDeviceId(deps.random),
  displayName: wish.displayName,
  grant: mintGrant(deps, wish.wantsRefresh ?? false),
})

/**
 * Stores a login; what the device had been given before is void. Returns the device's nid. Throws `M_INVALID_PARAM` for a
 * device id that is one of the user's cross-signing keys, with which clients would confuse it (spec: Cross-signing).
 */
export async function storeLogin(tx: Tx, userNid: number, login: Login): Promise<number> {
  const { deviceId, displayName, grant } = login
  if (await hasCrossSigningKey(tx, userNid, deviceId)) throw invalidParam('A key is called like this device')
  const deviceNid = await devices.upsertDevice(tx, { userNid, deviceId, displayName })
  await tokens.deleteTokensOfDevice(tx, deviceNid)
  await storeGrant(tx, userNid, deviceNid, grant)
  return deviceNid
}
