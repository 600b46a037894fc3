import { type Sighting, updateLastSeen } from '../../../storage/accounts/devices.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { chunks } from '../../../util/chunks.ts'
import type { Clock } from '../../../util/clock.ts'

/** Devices that wait to be written; more are not noted until the next flush. */
const MAX_PENDING = 50_000
const BATCH = 100

/** When and whence devices were last seen: kept in memory, written in batches, never on a request's way. */
export class LastSeen {
  readonly #deps: { readonly db: Db; readonly clock: Clock }
  #pending = new Map<number, Sighting>()

  constructor(deps: { readonly db: Db; readonly clock: Clock }) {
    this.#deps = deps
  }

  note(deviceNid: number, ip: string | undefined, userAgent: string | undefined): void {
    if (this.#pending.size >= MAX_PENDING) return
    this.#pending.set(deviceNid, { deviceNid, ts: this.#deps.clock.now(), ip, userAgent: userAgent?.slice(0, 255) })
  }

  /** A sighting that is not written yet. */
  find(deviceNid: number): Sighting | undefined {
    return this.#pending.get(deviceNid)
  }

  /** Writes what was noted. */
  async flush(): Promise<void> {
    const sightings = [...this.#pending.values()]
    this.#pending = new Map()
    for (const part of chunks(sightings, BATCH)) {
      await transact(this.#deps.db, (tx) => updateLastSeen(tx, part))
    }
  }
}
