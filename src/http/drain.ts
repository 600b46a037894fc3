import type { ServerResponse } from 'node:http'

/** Made once: an abort without a reason makes one, with a stack trace, for every long poll. */
const GONE = new Error('The client has left, or the server is stopping')

/** The requests that wait for something: each has a signal that aborts when its client leaves or the server drains. */
export class Drain {
  readonly #waiting = new Set<AbortController>()
  #draining = false

  get isDraining(): boolean {
    return this.#draining
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
}
