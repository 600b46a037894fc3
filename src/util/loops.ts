import type { Clock } from './clock.ts'

interface Deps<Key> {
  readonly clock: Clock
  /**
   * Does one step of what waits for this key: `undefined` where nothing does, otherwise for how many milliseconds to
   * pause before the next step.
   */
  step(key: Key, signal: AbortSignal): Promise<number | undefined>
  /** Told when a step fails because of us; it is tried again. */
  onCrash(error: unknown): void
}

interface Loop {
  /** Something new waits. */
  isDirty: boolean
  rearm: AbortController
  readonly done: Promise<void>
}

/** After a failure of our own, such as a database that is away. */
const CRASH_PAUSE_MS = 5_000

/** One loop for each key for which something waits, step after step until nothing does: queues that are tables. */
export class Loops<Key> {
  readonly #deps: Deps<Key>
  readonly #stop = new AbortController()
  readonly #loops = new Map<Key, Loop>()
  #pausing = 0

  constructor(deps: Deps<Key>) {
    this.#deps = deps
  }

  /** How many loops there are, working or pausing. */
  get running(): number {
    return this.#loops.size
  }

  /** How many of them pause. */
  get pausing(): number {
    return this.#pausing
  }

  /** Something waits for this key. Call it after the commit. */
  wake(key: Key): void {
    if (this.#stop.signal.aborted) return
    const loop = this.#loops.get(key)
    if (loop) {
      loop.isDirty = true
      return
    }
    const made: Loop = {
      isDirty: false,
      rearm: new AbortController(),
      // Begins a turn later, when the loop is in the map.
      done: Promise.resolve().then(() => this.#run(key, made)),
    }
    this.#loops.set(key, made)
  }

  /** Ends the pause, if there is one. */
  rearm(key: Key): void {
    this.#loops.get(key)?.rearm.abort()
  }

  /** Resolves when nothing waits any more: for tests. */
  async idle(): Promise<void> {
    while (this.#loops.size > 0) await Promise.all([...this.#loops.values()].map(({ done }) => done))
  }

  /** Ends the loops after the step that is under way, which the signal tells to hurry. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.idle()
  }

  /** Never rejects. */
  async #run(key: Key, loop: Loop): Promise<void> {
    const { clock, step, onCrash } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        loop.isDirty = false
        loop.rearm = new AbortController()
        const pause = await step(key, signal)
        // A wake-up between the look and here must not be lost.
        if (pause === undefined && !loop.isDirty) break
        if (pause === undefined || pause === 0) continue
        this.#pausing++
        await clock.sleep(pause, AbortSignal.any([signal, loop.rearm.signal]))
        this.#pausing--
      } catch (error) {
        onCrash(error)
        await clock.sleep(CRASH_PAUSE_MS, signal)
      }
    }
    this.#loops.delete(key)
  }
}
