import { RemoteFailure } from '../../../federation/remote-failure.ts'
import type { Clock } from '../../../util/clock.ts'

/** Asks each server one question at a time: somebody waits for the answers of all. */
export class Lanes {
  readonly #clock: Clock
  readonly #tails = new Map<string, Promise<void>>()

  constructor(clock: Clock) {
    this.#clock = clock
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
      return await ask(Math.max(1, timeoutMs - (this.#clock.now() - startedAt)))
    } finally {
      finish()
      if (this.#tails.get(server) === tail) this.#tails.delete(server)
    }
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
