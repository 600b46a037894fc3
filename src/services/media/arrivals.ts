import type { Clock } from '../../util/clock.ts'

/** Somebody who waits for a file. */
export interface Arrival {
  /** Resolves when the file is there, the time is up or the signal aborts. */
  within(ms: number, signal: AbortSignal): Promise<void>
  /** Must be called, whether one waited or not. */
  end(): void
}

/** Tells those who asked for a file before it was uploaded that it has come. */
export class Arrivals {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<AbortController>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Begins to listen, before one looks whether the file is there: else it could come in between. */
  expect(mediaId: string): Arrival {
    const arrived = new AbortController()
    const others = this.#waiting.get(mediaId) ?? new Set()
    this.#waiting.set(mediaId, others.add(arrived))
    return {
      within: (ms, signal) => this.#clock.sleep(ms, AbortSignal.any([arrived.signal, signal])),
      end: () => {
        others.delete(arrived)
        if (others.size === 0 && this.#waiting.get(mediaId) === others) this.#waiting.delete(mediaId)
      },
    }
  }

  announce(mediaId: string): void {
    for (const arrived of this.#waiting.get(mediaId) ?? []) arrived.abort()
  }
}
