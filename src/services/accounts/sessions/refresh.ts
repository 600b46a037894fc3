import { MatrixError } from '../../../matrix/errors.ts'
import { lockDevice } from '../../../storage/accounts/devices.ts'
import * as tokens from '../../../storage/accounts/tokens.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { HOUR_MS } from '../../../util/clock.ts'
import { hashToken } from '../token-text.ts'
import { type Grant, type MintDeps, mintGrant, storeGrant } from './grants.ts'

/** Requests with an access token that ran out longer ago are no longer on their way. */
const OLD_MS = HOUR_MS

/**
 * A refresh token has no successor, or several: a client that did not get the answer asks again. The first of them to
 * be used, itself or by its access token, is the successor; the old token and the others end then.
 */
export async function refreshTokens(
  deps: MintDeps & { readonly db: Db },
  refreshToken: string,
): Promise<{ grant: Grant; userNid: number; deviceNid: number; revoked: boolean }> {
  const now = deps.clock.now()
  const tokenHash = hashToken(refreshToken)
  const grant = mintGrant(deps, true)
  const seen = await tokens.findRefreshToken(deps.db, tokenHash)
  if (!seen) throw unknownRefreshToken(false)
  return await transact(deps.db, async (tx) => {
    await lockDevice(tx, seen.deviceNid)
    // Read again under the lock: the token may have been revoked, or given a successor, meanwhile.
    const token = await tokens.findRefreshToken(tx, tokenHash)
    if (!token) throw unknownRefreshToken(false)
    if (token.expiresTs !== undefined && token.expiresTs <= now) throw unknownRefreshToken(true)
    const { userNid, deviceNid } = token
    const isFirstUse = token.nextTokenHash === undefined
    if (isFirstUse) await tokens.deleteOtherRefreshTokens(tx, deviceNid, tokenHash)
    const next = await storeGrant(tx, userNid, deviceNid, grant)
    await tokens.deleteOldAccessTokens(tx, deviceNid, now - OLD_MS)
    if (next !== undefined) await tokens.updateNextToken(tx, tokenHash, next)
    return { grant, userNid, deviceNid, revoked: isFirstUse }
  })
}

/** A device's newest refresh token is in use: revokes the one before it and its unused siblings. */
export const revokeOthers = (db: Db, deviceNid: number, keepHash: string): Promise<void> =>
  transact(db, async (tx) => {
    await lockDevice(tx, deviceNid)
    // Under the lock again: a sibling may have been used first, which ended this one.
    const token = await tokens.findRefreshToken(tx, keepHash)
    if (token && token.nextTokenHash === undefined) await tokens.deleteOtherRefreshTokens(tx, deviceNid, keepHash)
  })

const unknownRefreshToken = (softLogout: boolean) =>
  new MatrixError('M_UNKNOWN_TOKEN', softLogout ? 'The refresh token has expired' : 'Unknown refresh token', {
    fields: { soft_logout: softLogout },
  })
