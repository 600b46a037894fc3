/** How long a piece of work may hold the event loop. */
const SLICE_MS = 5

/**
 * Lets a long loop give the turn back: on SQLite an awaited query does not, so without this everybody else would wait
 * until the loop is through. `if (turn.isOver) await turn.give()` inside the loop costs next to nothing.
 */
export class Turn {
  #started = performance.now()

  get isOver(): boolean {
    return performance.now() - this.#started >= SLICE_MS
  }

  async give(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
    this.#started = performance.now()
  }
}
