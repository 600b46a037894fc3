import { MatrixError } from '../../matrix/errors.ts'

/** Lets a few pieces of heavy work run at once, a bounded number wait, and refuses the rest. */
export class Gate {
  readonly #maxRunning: number
  readonly #maxWaiting: number
  readonly #refusal: string
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** `refusal`: what those are told who come too late. */
  constructor(maxRunning: number, maxWaiting: number, refusal: string) {
    this.#maxRunning = maxRunning
    this.#maxWaiting = maxWaiting
    this.#refusal = refusal
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#maxRunning) await this.#wait()
    else this.#running++
    try {
      return await work()
    } finally {
      // The place is handed on, not given back, so that nobody slips in between.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new MatrixError('M_LIMIT_EXCEEDED', this.#refusal, {
        fields: { retry_after_ms: 1000 },
      })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
