import { forbidden } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type Account, findAccountByNid } from '../../storage/accounts/accounts.ts'
import * as table from '../../storage/accounts/login-tokens.ts'
import { type Db, transact } from '../../storage/db.ts'
import { deleteInPieces } from '../../storage/expire.ts'
import type { Clock } from '../../util/clock.ts'
import type { Requester } from './sessions/sessions.ts'
import { hashToken, newSecret } from './token-text.ts'
import type { Uia } from './uia/uia.ts'
import type { UiaSessions } from './uia/uia-sessions.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly uia: Uia
  readonly uiaSessions: UiaSessions
  random(bytes: number): Uint8Array
  /** Undefined: nobody gets one. */
  readonly lifetimeMs: number | undefined
}

/** Tokens by which a device that is logged in lets another one in, once and soon (spec: POST /login/get_token). */
export class LoginTokens {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  get isEnabled(): boolean {
    return this.#deps.lifetimeMs !== undefined
  }

  /** A token, once the user has confirmed this one. */
  async issue(requester: Requester, auth: JsonObject | undefined): Promise<{ token: string; expiresInMs: number }> {
    const { db, clock, uia, uiaSessions, random, lifetimeMs } = this.#deps
    if (lifetimeMs === undefined) throw forbidden('This server gives no login tokens')
    const operation = 'client.generateLoginToken'
    const { session } = await uia.authenticate({ operation, requester, auth, flows: [['m.login.password']] })
    const token = newSecret(random)
    await transact(db, async (tx) => {
      await uiaSessions.spend(tx, session)
      await table.insertLoginToken(tx, hashToken(token), requester.userNid, clock.now() + lifetimeMs)
    })
    return { token, expiresInMs: lifetimeMs }
  }

  /** The account that a token lets in; it does so once. */
  async take(token: string): Promise<Account | undefined> {
    const { db, clock } = this.#deps
    const userNid = await transact(db, (tx) => table.takeLoginToken(tx, hashToken(token), clock.now()))
    return userNid === undefined ? undefined : findAccountByNid(db, userNid)
  }

  async expire(): Promise<void> {
    const { db, clock } = this.#deps
    await deleteInPieces(db, (tx, limit) => table.deleteExpiredLoginTokens(tx, clock.now(), limit))
  }
}
