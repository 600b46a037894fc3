/** What one transaction holds at most (spec: server-server API, Transactions). */
export const MAX_PDUS = 50
export const MAX_EDUS = 100

/** So many refused alone, one after the other: it may be the server, or what stands before it, that refuses everything. */
const MAX_REFUSED_IN_A_ROW = 3

/**
 * How many parts (events and EDUs) the next transaction to a server may have. A transaction that is refused as a whole is
 * halved until what the server cannot take is alone: eight tries at most, and it costs only itself.
 */
export class Portion {
  #maxParts = MAX_PDUS + MAX_EDUS
  #refusedInARow = 0

  get maxParts(): number {
    return this.#maxParts
  }

  onAccepted(): void {
    this.#maxParts = Math.min(2 * this.#maxParts, MAX_PDUS + MAX_EDUS)
    this.#refusedInARow = 0
  }

  /**
   * `split`: try with fewer. `drop`: this part will never be taken. `pause`: the same, but so many were refused that the
   * server counts as failing: what still waits is not to be lost because of its proxy, and it is not to be flooded.
   */
  onRefused(parts: number): 'split' | 'drop' | 'pause' {
    if (parts > 1) {
      this.#maxParts = Math.floor(parts / 2)
      return 'split'
    }
    this.#maxParts = 1
    return ++this.#refusedInARow < MAX_REFUSED_IN_A_ROW ? 'drop' : 'pause'
  }
}
