const MAX_KEYS = 50_000

/**
 * When did this last change? A bounded memory of positions by key, so that "nothing new" is answered without a table.
 * It may say "perhaps" (for positions below its floor, or after old keys were dropped), but never wrongly "no".
 */
export class ChangeIndex<Key> {
  readonly #last = new Map<Key, number>()
  readonly #maxKeys: number
  #floor: number

  /** `floor`: changes up to here are unknown. */
  constructor(floor: number, maxKeys = MAX_KEYS) {
    this.#floor = floor
    this.#maxKeys = maxKeys
  }

  /** The key changed at this position. */
  note(key: Key, pos: number): void {
    if ((this.#last.get(key) ?? 0) >= pos) return
    // Taken out first, so that the map stays in order of the last change.
    this.#last.delete(key)
    this.#last.set(key, pos)
    if (this.#last.size > this.#maxKeys) this.#dropOldest()
  }

  /** Whether it knows of all changes after this position. */
  covers(after: number): boolean {
    return after >= this.#floor
  }

  /** The key has certainly not changed after this position. */
  unchangedSince(key: Key): number {
    return Math.max(this.#floor, this.#last.get(key) ?? 0)
  }

  /** False only when the key has certainly not changed after this position. */
  mayHaveChanged(key: Key, after: number): boolean {
    return !this.covers(after) || (this.#last.get(key) ?? 0) > after
  }

  #dropOldest(): void {
    let surplus = Math.ceil(this.#maxKeys / 4)
    for (const [key, pos] of this.#last) {
      if (surplus-- === 0) return
      this.#last.delete(key)
      this.#floor = Math.max(this.#floor, pos)
    }
  }
}
