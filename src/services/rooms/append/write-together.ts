import type { Tx } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Stream } from '../../stream.ts'
import type { Batch } from '../entry.ts'
import { type Persisted, persist, StaleRoom } from '../persist/persist.ts'

/** Batches and entries of one transaction at most, so that it stays short. */
const MAX_BATCHES = 100
const MAX_ENTRIES = 300

/** A batch, what else belongs to its transaction, and what follows from its commit. */
export interface Write {
  batch: Batch
  /** Runs first in the transaction; it may give the batch its room. */
  before?(tx: Tx): Promise<void>
  /** Runs last in the transaction, when the rows of the batch have their numbers. */
  after?: ((tx: Tx) => Promise<void>) | undefined
  /** Runs after the commit, in the order of positions. */
  announce(persisted: Persisted): void
}

interface Waiting {
  write: Write
  resolve(): void
  reject(error: unknown): void
}

interface Deps {
  readonly stream: Stream
  readonly clock: Clock
  readonly serverName: string
}

/**
 * Writes batches of different rooms in one transaction: those that come while the one before is under way, and until it
 * begins, for which it waits anyway: on SQLite for the end of a turn of the event loop, on PostgreSQL for a connection. A
 * message in a busy server then costs its rows, not its statements: on PostgreSQL, where a transaction is two journeys at
 * least and the counter row lets one pass at a time, ten times as many messages a second; on SQLite half the CPU.
 */
export class WriteTogether {
  readonly #deps: Deps
  readonly #waiting: Waiting[] = []
  #isBusy = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Resolves once the batch is durable and announced; when it rejects, it was not announced. */
  write(write: Write): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isBusy || this.#waiting.length === 0) return
    this.#isBusy = true
    void this.#writeNext()
  }

  /** Never rejects: those who wait are told. */
  async #writeNext(): Promise<void> {
    await this.#writeGroup([])
    this.#isBusy = false
    this.#schedule()
  }

  /** An empty group is of those who wait when its transaction begins. */
  async #writeGroup(group: Waiting[]): Promise<void> {
    try {
      await this.#transact(group)
      for (const { resolve } of group) resolve()
    } catch (error) {
      this.#fill(group)
      if (group.length === 1) group[0]?.reject(error)
      else await this.#writeOthers(group, error)
    }
  }

  /** Writes those that one of them has spoilt it for: together, if it is known which one, otherwise one by one. */
  async #writeOthers(group: readonly Waiting[], error: unknown): Promise<void> {
    const isSpoilt = ({ write }: Waiting) => error instanceof StaleRoom && error.roomNids.has(write.batch.room.nid)
    const spoilt = group.filter(isSpoilt)
    if (spoilt.length === 0 || spoilt.length === group.length) {
      for (const one of group) await this.#writeGroup([one])
      return
    }
    for (const { reject } of spoilt) reject(error)
    await this.#writeGroup(group.filter((one) => !isSpoilt(one)))
  }

  #fill(group: Waiting[]): void {
    if (group.length > 0) return
    let count = 0
    let entries = 0
    for (const { write } of this.#waiting) {
      entries += write.batch.entries.length
      if (count > 0 && (count === MAX_BATCHES || entries > MAX_ENTRIES)) break
      count++
    }
    group.push(...this.#waiting.splice(0, count))
  }

  async #transact(group: Waiting[]): Promise<void> {
    const { stream, clock, serverName } = this.#deps
    await stream.write(async (tx, take) => {
      this.#fill(group)
      const writes = group.map(({ write }) => write)
      for (const { before } of writes) await before?.(tx)
      const batches = writes.map(({ batch }) => batch)
      const persisted = await persist(tx, take, batches, { serverName, now: clock.now() })
      for (const { after } of writes) await after?.(tx)
      const announce = () => {
        for (const [index, write] of writes.entries()) write.announce(persisted[index] as Persisted)
      }
      return { value: undefined, announce }
    })
  }
}
