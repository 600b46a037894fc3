import type { Clock } from '../../src/util/clock.ts'

interface Sleeper {
  readonly until: number
  wake(): void
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number
  readonly #sleepers = new Set<Sleeper>()

  constructor(now = Date.UTC(2026, 0, 5, 9)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted || ms <= 0) return resolve()
      const wake = () => {
        signal?.removeEventListener('abort', wake)
        this.#sleepers.delete(sleeper)
        resolve()
      }
      const sleeper = { until: this.#now + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** Moves on, and wakes those whose time has come, in its order. */
  advance(ms: number): void {
    this.#now += ms
    const due = [...this.#sleepers].filter(({ until }) => until <= this.#now)
    for (const sleeper of due.sort((a, b) => a.until - b.until)) sleeper.wake()
  }

  /** How many sleep: a test waits for this before it moves the clock. */
  get sleeping(): number {
    return this.#sleepers.size
  }
}
