interface Deps {
  /** Does all that is to be done now; gives up between two steps when the signal aborts. */
  work(signal: AbortSignal): Promise<void>
  /** Told when `work` fails; it is tried again at the next wake-up. */
  onFailure(error: unknown): void
}

/** Runs background work whose list is a table: one run at a time, and one more for what came meanwhile. */
export class Backlog {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  #isDirty = false
  #running: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Goes on with what was not done when the server stopped. */
  start(): void {
    this.wake()
  }

  /** There is something to do. */
  wake(): void {
    this.#isDirty = true
    if (this.#stop.signal.aborted) return
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined
      // Woken after the last look and before the end: a run of its own.
      if (this.#isDirty) this.wake()
    })
  }

  /** Resolves once nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** Ends after the step that is under way. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #drain(): Promise<void> {
    const { work, onFailure } = this.#deps
    const { signal } = this.#stop
    while (this.#isDirty && !signal.aborted) {
      this.#isDirty = false
      await work(signal).catch(onFailure)
    }
  }
}
