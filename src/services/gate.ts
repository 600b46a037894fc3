import { MatrixError } from '../matrix/errors.ts'

/** How many may wait in all, where so many of each may. */
const CROWD = 5

/**
 * Lets a few pieces of heavy work run at once, a bounded number wait, and refuses the rest. Where it is said for whom work
 * is done, all of them have their turns: who asks for much waits for it, and nobody else does.
 */
export class Gate {
  readonly #maxRunning: number
  readonly #maxWaiting: number
  readonly #maxEach: number
  readonly #refusal: string
  /** Whose turn is next first. */
  readonly #queues = new Map<string, (() => void)[]>()
  readonly #running = new Map<string, number>()
  #waitingInAll = 0
  #runningInAll = 0

  /**
   * `maxWaiting`: of one of those for whom work is done. `maxEach`: of what runs for one of them. `refusal`: what those are
   * told who come too late.
   */
  constructor(maxRunning: number, maxWaiting: number, refusal: string, maxEach = maxRunning) {
    this.#maxRunning = maxRunning
    this.#maxWaiting = maxWaiting
    this.#maxEach = maxEach
    this.#refusal = refusal
  }

  async run<T>(work: () => Promise<T>, who = ''): Promise<T> {
    if (this.#hasRoom(who)) this.#enter(who)
    else await this.#wait(who)
    try {
      return await work()
    } finally {
      this.#leave(who)
    }
  }

  #hasRoom(who: string): boolean {
    return this.#runningInAll < this.#maxRunning && this.#runningOf(who) < this.#maxEach
  }

  #runningOf(who: string): number {
    return this.#running.get(who) ?? 0
  }

  #enter(who: string): void {
    this.#runningInAll++
    this.#running.set(who, this.#runningOf(who) + 1)
  }

  #wait(who: string): Promise<void> {
    const queue = this.#queues.get(who) ?? []
    if (queue.length >= this.#maxWaiting || this.#waitingInAll >= CROWD * this.#maxWaiting) {
      throw new MatrixError('M_LIMIT_EXCEEDED', this.#refusal, {
        fields: { retry_after_ms: 1000 },
      })
    }
    this.#waitingInAll++
    this.#queues.set(who, queue)
    return new Promise((resolve) => queue.push(resolve))
  }

  /** The place is handed on at once, so that nobody slips in between. */
  #leave(who: string): void {
    this.#runningInAll--
    const left = this.#runningOf(who) - 1
    if (left > 0) this.#running.set(who, left)
    else this.#running.delete(who)
    const next = [...this.#queues.keys()].find((one) => this.#hasRoom(one))
    if (next !== undefined) this.#admit(next)
  }

  #admit(who: string): void {
    const [first, ...others] = this.#queues.get(who) ?? []
    this.#queues.delete(who)
    if (others.length > 0) this.#queues.set(who, others) // behind everybody else
    this.#waitingInAll--
    this.#enter(who)
    first?.()
  }
}
