import type { Db } from '../../storage/db.ts'
import { countOneTimeKeys, listUnusedFallbacks } from '../../storage/keys/one-time-keys.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { LoadCache } from '../../util/load-cache.ts'

/** What others can still be given of a device's keys. */
export interface LeftKeys {
  /** How many one-time keys there are of each algorithm. */
  readonly counts: Readonly<Record<string, number>>
  /** The algorithms of which there is a fallback key that nobody was given. */
  readonly unusedFallbacks: readonly string[]
}

/** Devices of which it is remembered. */
const MAX_REMEMBERED = 50_000

/** How many keys devices have left: every `/sync` tells it, and it seldom changes. */
export class KeysLeft {
  readonly #db: Db
  readonly #remembered = new LoadCache<number, LeftKeys>(MAX_REMEMBERED, (deviceNid) => this.#load(deviceNid))

  constructor(db: Db) {
    this.#db = db
  }

  of(deviceNid: number): Awaitable<LeftKeys> {
    return this.#remembered.get(deviceNid)
  }

  /** After the commit: keys of the device were given out, or it published some. */
  forget(deviceNid: number): void {
    this.#remembered.forget(deviceNid)
  }

  async #load(deviceNid: number): Promise<LeftKeys> {
    const rows = await countOneTimeKeys(this.#db, deviceNid)
    const fallbacks = await listUnusedFallbacks(this.#db, deviceNid)
    return {
      // The algorithm that clients use is always named: some take a missing count for "unchanged".
      counts: Object.fromEntries([['signed_curve25519', 0], ...rows.map(({ algorithm, count }) => [algorithm, count])]),
      unusedFallbacks: fallbacks.map(({ algorithm }) => algorithm),
    }
  }
}
