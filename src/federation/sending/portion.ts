/** What one transaction holds at most (spec: server-server API, Transactions). */
export const MAX_PDUS = 50
export const MAX_EDUS = 100

/** So many refused alone, one after the other: it may be the server, or what stands before it, that refuses everything. */
const MAX_REFUSED_IN_A_ROW = 3
/** So many full ones are taken just below what was once refused, before a little more is tried again. */
const PATIENCE = 20

/**
 * How many parts (events and EDUs) the next transaction to a server may have. A transaction that is refused as a whole is
 * halved until what the server cannot take is alone, so that it costs only itself. Where halving was enough it is the size
 * that was refused, and a server that takes small ones only stays so: what it takes is found as between two bounds, and
 * more is tried seldom, for else every second transaction to it would be refused.
 */
export class Portion {
  #maxParts = MAX_PDUS + MAX_EDUS
  /** The least that was refused; undefined: no size was. */
  #refusedAt: number | undefined
  /** Full ones in a row that were taken at the present size. */
  #fullInARow = 0
  /** How much more than the least that was refused is tried next: twice as much each time until some is refused again. */
  #stride = 1
  /** What was taken before the present size; 0: that is not known to be taken any more. */
  #sizeBefore = 0
  #refusedInARow = 0

  get maxParts(): number {
    return this.#maxParts
  }

  /** A transaction of so many parts was taken. */
  onAccepted(parts: number): void {
    this.#refusedInARow = 0
    // One that was not full says nothing of a larger one.
    if (parts < this.#maxParts) return
    this.#sizeBefore = this.#maxParts
    this.#maxParts = Math.min(this.#larger(), MAX_PDUS + MAX_EDUS)
  }

  /**
   * `split`: try with fewer. `drop`: this part will never be taken. `pause`: the same, but so many were refused that the
   * server counts as failing: what still waits is not to be lost because of its proxy, and it is not to be flooded.
   */
  onRefused(parts: number): 'split' | 'drop' | 'pause' {
    this.#fullInARow = 0
    this.#stride = 1
    if (parts > 1) {
      const isKnown = this.#sizeBefore > 0 && this.#sizeBefore < parts
      this.#maxParts = isKnown ? this.#sizeBefore : Math.floor(parts / 2)
      this.#refusedAt = parts
      this.#sizeBefore = 0
      return 'split'
    }
    // It was this part and not the size.
    this.#refusedAt = undefined
    this.#sizeBefore = 0
    this.#maxParts = 1
    return ++this.#refusedInARow < MAX_REFUSED_IN_A_ROW ? 'drop' : 'pause'
  }

  #larger(): number {
    if (this.#refusedAt === undefined) return 2 * this.#maxParts
    const between = Math.floor((this.#maxParts + this.#refusedAt) / 2)
    if (between > this.#maxParts) return between
    if (++this.#fullInARow < PATIENCE) return this.#maxParts
    this.#fullInARow = 0
    this.#refusedAt += this.#stride
    this.#stride *= 2
    return Math.floor((this.#maxParts + this.#refusedAt) / 2)
  }
}
