import type { Clock } from './clock.ts'

interface Deps {
  readonly clock: Clock
  readonly everyMs: number
  work(): Promise<void>
  /** Told when `work` fails; it is tried again at the next tick. */
  onFailure(error: unknown): void
}

/** Repeats a piece of work, one run at a time, with the pause between the end of one and the start of the next. */
export class Ticker {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends after the run that is under way. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, everyMs, work, onFailure } = this.#deps
    const { signal } = this.#stop
    for (;;) {
      await clock.sleep(everyMs, signal)
      if (signal.aborted) return
      await work().catch(onFailure)
    }
  }
}
