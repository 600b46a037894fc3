import { MatrixError } from '../../matrix/errors.ts'
import * as table from '../../storage/accounts/openid-tokens.ts'
import { type Db, transact } from '../../storage/db.ts'
import { deleteInPieces } from '../../storage/expire.ts'
import type { Clock } from '../../util/clock.ts'
import { hashToken, newSecret } from './token-text.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  random(bytes: number): Uint8Array
}

const LIFETIME_MS = 3_600_000

/**
 * Tokens by which somebody else, such as a widget or a call server, learns who a user is, and nothing more (spec:
 * client-server API, OpenID; server-server API, OpenID).
 */
export class OpenIdTokens {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async issue(userNid: number): Promise<{ token: string; expiresInMs: number }> {
    const { db, clock, random } = this.#deps
    const token = newSecret(random)
    const expires = clock.now() + LIFETIME_MS
    await transact(db, (tx) => table.insertOpenIdToken(tx, hashToken(token), userNid, expires))
    return { token, expiresInMs: LIFETIME_MS }
  }

  /** Whose token it is; `M_UNKNOWN_TOKEN` for any other. */
  async userOf(token: string): Promise<string> {
    const { db, clock } = this.#deps
    const userId = await table.findOpenIdUser(db, hashToken(token), clock.now())
    if (userId === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'This token is unknown or has run out')
    return userId
  }

  async expire(): Promise<void> {
    const { db, clock } = this.#deps
    await deleteInPieces(db, (tx, limit) => table.deleteExpiredOpenIdTokens(tx, clock.now(), limit))
  }
}
