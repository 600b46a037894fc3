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

interface Ticket {
  last: number
  settled: boolean
  announce: (() => void) | undefined
  resolve: (() => void) | undefined
}

/**
 * The one stream that `/sync` reports. Every write that takes positions goes through `write`: its announcement (caches,
 * wake-ups) runs after the commit, in the order of positions, and `current` is the highest position below which no
 * transaction of this process is open. Readers never look beyond `current`.
 */
export class Stream {
  readonly #db: Db
  readonly #tickets: Ticket[] = []
  #current: number

  constructor(db: Db, current: number) {
    this.#db = db
    this.#current = current
  }

  get current(): number {
    return this.#current
  }

  /**
   * Runs `body` in a transaction. It returns what to announce once the commit is durable; `write` resolves after that,
   * so that whoever was answered finds the write in the next `/sync`.
   */
  async write<T>(body: (tx: Tx, take: Take) => Promise<{ value: T; announce?: () => void }>): Promise<T> {
    let ticket: Ticket | undefined
    try {
      const { value, announce } = await transact(this.#db, (tx) =>
        body(tx, async (positions, eventNids = 0) => {
          const taken = await takeBoth(tx, positions, eventNids)
          ticket = { last: taken.pos + positions - 1, settled: false, announce: undefined, resolve: undefined }
          this.#tickets.push(ticket)
          return taken
        }),
      )
      if (!ticket) {
        announce?.()
        return value
      }
      ticket.announce = announce
      await this.#settle(ticket)
      return value
    } catch (error) {
      if (ticket) this.#drop(ticket)
      throw error
    }
  }

  /** Publishes what is settled at the head of the line; waits when an earlier position is still open. */
  #settle(ticket: Ticket): Promise<void> | undefined {
    ticket.settled = true
    this.#publish()
    if (!this.#tickets.includes(ticket)) return undefined
    return new Promise((resolve) => {
      ticket.resolve = resolve
    })
  }

  #drop(ticket: Ticket): void {
    const index = this.#tickets.indexOf(ticket)
    if (index >= 0) this.#tickets.splice(index, 1)
    this.#publish()
  }

  #publish(): void {
    while (this.#tickets[0]?.settled) {
      const ticket = this.#tickets.shift() as Ticket
      this.#current = Math.max(this.#current, ticket.last)
      ticket.announce?.()
      ticket.resolve?.()
    }
  }
}
