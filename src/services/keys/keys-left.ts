import type { Db } from '../../storage/db.ts'
import { countOneTimeKeys, listUnusedFallbacks } from '../../storage/one-time-keys.ts'
import { lruCache } from '../../util/lru.ts'

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
  readonly #remembered = lruCache<number, LeftKeys>(MAX_REMEMBERED)
  #changes = 0

  constructor(db: Db) {
    this.#db = db
  }

  async of(deviceNid: number): Promise<LeftKeys> {
    const known = this.#remembered.get(deviceNid)
    if (known) return known
    const changes = this.#changes
    const rows = await countOneTimeKeys(this.#db, deviceNid)
    const fallbacks = await listUnusedFallbacks(this.#db, deviceNid)
    const left = {
      // The algorithm that clients use is always named: some take a missing count for "unchanged".
      counts: Object.fromEntries([['signed_curve25519', 0], ...rows.map(({ algorithm, count }) => [algorithm, count])]),
      unusedFallbacks: fallbacks.map(({ algorithm }) => algorithm),
    }
    // What was read may have changed while it was read.
    if (changes === this.#changes) this.#remembered.set(deviceNid, left)
    return left
  }

  /** After the commit: keys of the device were given out, or it published some. */
  forget(deviceNid: number): void {
    this.#changes++
    this.#remembered.delete(deviceNid)
  }
}
