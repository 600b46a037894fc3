import type { Clock } from '../util/clock.ts'
import { lruCache } from '../util/lru.ts'

interface Lost {
  readonly reason: string
  /** Until when nobody tries the server again; whoever is the first afterwards tries alone. */
  until: number
}

/** A server is left alone for this many times what it cost to find out that it does not answer. */
const COST_FACTOR = 10
const LONGEST_MS = 10 * 60_000
const MAX_SERVERS = 10_000

/**
 * Which servers did not answer lately, so that nobody waits in vain again and again. How long one is left alone follows
 * from what the last try cost: a connection that is refused at once costs nothing and may be tried at once; whoever
 * waited for half a minute spares all others the next five. Then one try alone shows whether it is back. Whatever is
 * heard of the server ends it.
 */
export class Reach {
  readonly #clock: Clock
  readonly #lost = lruCache<string, Lost>(MAX_SERVERS)
  readonly #heardAt = lruCache<string, number>(MAX_SERVERS)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins a try; a text says why it would be in vain. */
  begin(server: string): Try | string {
    const startedAt = this.#clock.now()
    const lost = this.#lost.get(server)
    if (lost && lost.until > startedAt) return lost.reason
    if (lost) lost.until = Number.POSITIVE_INFINITY
    return {
      failed: (reason) => this.#onFailure(server, startedAt, reason),
      abandoned: () => {
        if (lost) lost.until = startedAt
      },
    }
  }

  /** The server answered, or spoke to us. */
  onHeard(server: string): void {
    this.#lost.delete(server)
    this.#heardAt.set(server, this.#clock.now())
  }

  #onFailure(server: string, startedAt: number, reason: string): void {
    // It answers others: this one question was too much for it.
    if ((this.#heardAt.get(server) ?? Number.NEGATIVE_INFINITY) >= startedAt) return
    const now = this.#clock.now()
    this.#lost.set(server, { reason, until: now + Math.min((now - startedAt) * COST_FACTOR, LONGEST_MS) })
  }
}

/** One try at a server; that it answers, `onHeard` is told. */
export interface Try {
  failed(reason: string): void
  /** Nobody waits for the answer any more: nothing was learnt. */
  abandoned(): void
}
