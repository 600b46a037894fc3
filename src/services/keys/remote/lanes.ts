import { LRUCache } from 'lru-cache'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import type { Clock } from '../../../util/clock.ts'

/** How long a server that did not answer is taken to be away, unless it is heard of. */
const AWAY_MS = 30_000
const MAX_AWAY = 10_000

/**
 * Asks each server one question at a time, and those that do not answer only now and then: somebody waits for the
 * answers of all.
 */
export class Lanes {
  readonly #clock: Clock
  readonly #tails = new Map<string, Promise<void>>()
  /** Until when servers are taken to be away. */
  readonly #away = new LRUCache<string, number>({ max: MAX_AWAY })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The server has spoken to us. */
  onHeard(server: string): void {
    this.#away.delete(server)
  }

  /**
   * Runs `ask` when its turn has come, and gives up after `timeoutMs`, which `ask` is told how much is left of. Throws
   * `RemoteFailure`.
   */
  async run<T>(server: string, timeoutMs: number, ask: (timeoutMs: number) => Promise<T>): Promise<T> {
    const startedAt = this.#clock.now()
    const before = this.#tails.get(server)
    const { promise: mine, resolve: finish } = Promise.withResolvers<void>()
    const tail = before ? before.then(() => mine) : mine
    this.#tails.set(server, tail)
    try {
      if (before && !(await this.#isOver(before, timeoutMs))) throw new RemoteFailure(server, 'has not answered others')
      if ((this.#away.get(server) ?? 0) > this.#clock.now()) throw new RemoteFailure(server, 'did not answer just now')
      return await ask(Math.max(1, timeoutMs - (this.#clock.now() - startedAt)))
    } catch (error) {
      if (error instanceof RemoteFailure && error.status === undefined) this.#onSilence(server)
      throw error
    } finally {
      finish()
      if (this.#tails.get(server) === tail) this.#tails.delete(server)
    }
  }

  #onSilence(server: string): void {
    const now = this.#clock.now()
    if ((this.#away.get(server) ?? 0) <= now) this.#away.set(server, now + AWAY_MS)
  }

  async #isOver(before: Promise<void>, timeoutMs: number): Promise<boolean> {
    const stop = new AbortController()
    const inTime = await Promise.race([
      before.then(() => true),
      this.#clock.sleep(timeoutMs, stop.signal).then(() => false),
    ])
    stop.abort()
    return inTime
  }
}
