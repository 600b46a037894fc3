import type { ServerResponse } from 'node:http'

/** Made once: an abort without a reason makes one, with a stack trace, for every long poll. */
const GONE = new Error('The client has left, or the server is stopping')

/**
 * The requests that are being served, until the server stops. Each that waits for something has a signal, which aborts
 * when its client leaves or the server drains.
 */
export class Drain {
  readonly #waiting = new Set<AbortController>()
  #draining = false
  #isOver = false
  #atWork = 0
  #onIdle: () => void = () => {}

  get isDraining(): boolean {
    return this.#draining
  }

  /** Whether what is still being served has lost its client, and what it works with. */
  get isOver(): boolean {
    return this.#isOver
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** A signal for one request. Made on demand: most requests never ask. */
  signalFor(res: ServerResponse): AbortSignal {
    if (this.#draining || res.closed) return AbortSignal.abort(GONE)
    const controller = new AbortController()
    this.#waiting.add(controller)
    res.once('close', () => {
      this.#waiting.delete(controller)
      if (!res.writableFinished) controller.abort(GONE)
    })
    return controller.signal
  }

  /** Tells everyone who waits to answer now. */
  start(): void {
    this.#draining = true
    for (const controller of this.#waiting) controller.abort(GONE)
    this.#waiting.clear()
  }

  /** A request is being served. */
  enter(): void {
    this.#atWork++
  }

  /** One has been served, whatever came of it. */
  leave(): void {
    if (--this.#atWork === 0) this.#onIdle()
  }

  /** After connections were cut: gives what was being served so long to come to its end. */
  async end(timeoutMs: number): Promise<void> {
    if (this.#atWork > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#isOver = true
  }
}
