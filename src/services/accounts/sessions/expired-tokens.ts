import { deleteAccessTokens, listExpiredAccessTokens } from '../../../storage/accounts/tokens.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { pages } from '../../../util/pages.ts'

const PAGE = 50

/**
 * Forgets access tokens that ran out. The newest one of a device stays: whoever shows it is told of a soft logout, where an
 * unknown token would make the client throw away its encryption keys. Each token is looked at once, for there is one that
 * stays of each device that was ever used; those that a newer one follows later go when that is given out.
 */
export class ExpiredTokens {
  readonly #db: Db
  #lookedUpTo = { token_hash: '', expires_ts: 0 }

  constructor(db: Db) {
    this.#db = db
  }

  async forget(now: number): Promise<void> {
    const read = () => listExpiredAccessTokens(this.#db, this.#lookedUpTo, now, PAGE)
    for await (const page of pages(PAGE, read)) {
      const old = page.flatMap(({ token_hash, is_newest }) => (is_newest === 1 ? [] : token_hash))
      if (old.length > 0) await transact(this.#db, (tx) => deleteAccessTokens(tx, old))
      this.#lookedUpTo = page.at(-1) ?? this.#lookedUpTo
    }
  }
}
