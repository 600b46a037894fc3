import { invalidParam, notFound } from '../../../matrix/errors.ts'
import * as table from '../../../storage/accounts/registration-tokens.ts'
import { type Db, transact } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import { newSecret } from '../token-text.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  random(bytes: number): Uint8Array
}

export interface NewRegistrationToken {
  /** Left out: a random one. */
  readonly token?: string | undefined
  /** Left out: as many as come. */
  readonly usesAllowed?: number | undefined
  /** Left out: for ever. */
  readonly expiresTs?: number | undefined
}

/** Spec: Opaque Identifier Grammar, of at most 64 characters. */
const GRAMMAR = /^[A-Za-z0-9._~-]{1,64}$/
const RANDOM_CHARS = 16

/** What lets people register where registration is by token. */
export class RegistrationTokens {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Makes a token and returns it. */
  async create({ token, usesAllowed, expiresTs }: NewRegistrationToken): Promise<string> {
    const { db, random } = this.#deps
    const text = token ?? newSecret(random).slice(0, RANDOM_CHARS)
    if (!GRAMMAR.test(text)) throw invalidParam('A token has up to 64 characters of A-Z, a-z, 0-9 and . _ ~ -')
    const isMade = await transact(db, (tx) => table.insertToken(tx, { token: text, usesAllowed, expiresTs }))
    if (!isMade) throw invalidParam('There is such a token')
    return text
  }

  list(): Promise<table.RegistrationToken[]> {
    return table.listTokens(this.#deps.db)
  }

  /** Throws `M_NOT_FOUND`. */
  async delete(token: string): Promise<void> {
    if (!(await transact(this.#deps.db, (tx) => table.deleteToken(tx, token)))) throw notFound('There is no such token')
  }

  /** Whether somebody could register with it now. */
  isUsable(token: string): Promise<boolean> {
    return table.isUsable(this.#deps.db, token, this.#deps.clock.now())
  }
}
