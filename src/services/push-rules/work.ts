/**
 * Some 30 ms. A keyword takes one step or two for each character of the text: so twenty are looked for in the longest of
 * messages, and hundreds in one of a page.
 */
const MAX_STEPS = 2_500_000

/**
 * What one event may cost for one set of rules. Whoever writes the rules and whoever writes the text may be the same
 * person, so that each being short enough by itself is not enough. What would go beyond it does not match.
 */
export class Work {
  #left = MAX_STEPS

  /** Takes so many steps; false when they are not left. */
  take(steps: number): boolean {
    if (steps > this.#left) return false
    this.#left -= steps
    return true
  }
}
