import type { UserId } from '../matrix/ids.ts'

/** How many waiting requests are answered side by side, before the loop gets its turn back. */
const BATCH = 16

type Listener = (users: Iterable<UserId>, pos: number) => void

/**
 * Wakes long polls. It carries positions, never data: a woken `/sync` asks the caches that own what changed.
 * A wake-up reaches only the users concerned and costs nothing for the others.
 */
export class Hub {
  readonly #waiting = new Map<UserId, Set<() => void>>()
  readonly #listeners: Listener[] = []
  #queue: (() => void)[] = []
  #scheduled = false

  /** Told of every notice, before anybody wakes. */
  onNotice(listener: Listener): void {
    this.#listeners.push(listener)
  }

  /** Something that these users may see changed, up to `pos`. Call after the commit, in order of positions. */
  publish(users: Iterable<UserId>, pos: number): void {
    for (const listener of this.#listeners) listener(users, pos)
    if (this.#waiting.size === 0) return
    for (const userId of users) {
      const wakes = this.#waiting.get(userId)
      if (wakes) for (const wake of wakes) this.#queue.push(wake)
    }
    if (this.#queue.length > 0 && !this.#scheduled) this.#drain()
  }

  /** Resolves at the next notice for this user, after `timeoutMs`, or when the signal aborts; never rejects. */
  wait(userId: UserId, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || timeoutMs <= 0) return resolve()
      let wakes = this.#waiting.get(userId)
      if (!wakes) {
        wakes = new Set()
        this.#waiting.set(userId, wakes)
      }
      const mine = wakes
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        mine.delete(done)
        if (mine.size === 0 && this.#waiting.get(userId) === mine) this.#waiting.delete(userId)
        resolve()
      }
      mine.add(done)
      const timer = setTimeout(done, timeoutMs)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  /** How many requests of this user wait. */
  waitingOf(userId: UserId): number {
    return this.#waiting.get(userId)?.size ?? 0
  }

  /** Waiting requests, for the metrics. */
  get waiting(): number {
    let count = 0
    for (const wakes of this.#waiting.values()) count += wakes.size
    return count
  }

  // Some side by side, so that their answers leave right after one another: each write that finds a client asleep wakes it
  // first, which costs more than the answer did (a system that woke clients between any two writes spent 95 µs on each,
  // now 50). Not all of them: a room of a thousand would hold the loop, and have all answers only when the last is ready.
  #drain(): void {
    const batch = this.#queue.splice(0, BATCH)
    setImmediate(() => {
      for (const wake of batch) wake()
    })
    this.#scheduled = this.#queue.length > 0
    if (this.#scheduled) setImmediate(() => this.#drain())
  }
}
