import { takeBoth } from '../storage/counter.ts'
import { type Db, type Tx, transact } from '../storage/db.ts'

/** Positions and event numbers taken by one write. */
export interface Taken {
  /** The first of the consecutive stream positions. */
  pos: number
  /** The first of the consecutive event numbers. */
  eventNid: number
}

/** Takes positions (and event numbers) inside the transaction; called once and last, just before the inserts. */
export type Take = (positions: number, eventNids?: number) => Promise<Taken>

/** A write between taking its positions and its announcement. */
interface Ticket {
  last: number
  isSettled: boolean
  announce: (() => void) | undefined
  resolve: (() => void) | undefined
}

/**
 * The one stream that `/sync` reports. Every write that takes positions goes through `write`: its announcement (caches,
 * wake-ups) runs after the commit, in the order of positions, and `current` is the highest position below which no
 * transaction of this process is open. Readers never look beyond `current`.
 *
 * The counter row makes positions visible in their order: whoever takes positions waits for the commit of whoever took
 * the ones before. So tickets stand in the order of their positions, and the wait for an earlier one is short: its
 * commit has happened, only the answer to it is still on its way.
 */
export class Stream {
  readonly #db: Db
  readonly #onFailure: (error: unknown) => void
  #tickets: Ticket[] = []
  #current: number

  /** `onFailure` is told of announcements that throw: those are mistakes of ours, and do not stop the stream. */
  constructor(db: Db, current: number, onFailure: (error: unknown) => void = throwLater) {
    this.#db = db
    this.#current = current
    this.#onFailure = onFailure
  }

  get current(): number {
    return this.#current
  }

  /**
   * Runs `body` in a transaction. It returns what to announce once the commit is durable; `write` resolves after that,
   * so that whoever was answered finds the write in the next `/sync`. When it rejects, nothing was announced.
   */
  async write<T>(body: (tx: Tx, take: Take) => Promise<{ value: T; announce?: () => void }>): Promise<T> {
    let ticket: Ticket | undefined
    try {
      const { value, announce } = await transact(this.#db, (tx) => {
        // PostgreSQL may have the body repeated, with other positions.
        if (ticket) this.#drop(ticket)
        ticket = undefined
        return body(tx, async (positions, eventNids = 0) => {
          const taken = await takeBoth(tx, positions, eventNids)
          ticket = { last: taken.pos + positions - 1, isSettled: false, announce: undefined, resolve: undefined }
          this.#tickets.push(ticket)
          return taken
        })
      })
      if (ticket) await this.#settle(ticket, announce)
      else announce?.()
      return value
    } catch (error) {
      if (ticket) this.#drop(ticket)
      throw error
    }
  }

  /** Announces what is settled at the head of the line; waits while an earlier position is still open. */
  #settle(ticket: Ticket, announce: (() => void) | undefined): Promise<void> | undefined {
    ticket.isSettled = true
    ticket.announce = announce
    if (this.#tickets[0] === ticket) {
      this.#publish()
      return undefined
    }
    return new Promise((resolve) => {
      ticket.resolve = resolve
    })
  }

  #drop(ticket: Ticket): void {
    this.#tickets = this.#tickets.filter((other) => other !== ticket)
    this.#publish()
  }

  #publish(): void {
    let count = 0
    for (const ticket of this.#tickets) {
      if (!ticket.isSettled) break
      count++
      this.#current = Math.max(this.#current, ticket.last)
      try {
        ticket.announce?.()
      } catch (error) {
        this.#onFailure(error)
      }
      ticket.resolve?.()
    }
    if (count > 0) this.#tickets.splice(0, count)
  }
}

const throwLater = (error: unknown): void => {
  setImmediate(() => {
    throw error
  })
}
