/** Statements that came up this often are prepared by name; so many of them at most, for each connection keeps them all. */
const PREPARE_AFTER = 3
const MAX_NAMED = 300

/** Names of prepared statements, the same on all connections; each prepares one when it first comes to it. */
export class Names {
  readonly #seen = new Map<string, number>()
  readonly #names = new Map<string, string>()

  of(sql: string): string | undefined {
    const name = this.#names.get(sql)
    if (name !== undefined || this.#names.size >= MAX_NAMED) return name
    const seen = (this.#seen.get(sql) ?? 0) + 1
    if (this.#seen.size > 10 * MAX_NAMED) this.#seen.clear()
    this.#seen.set(sql, seen)
    if (seen < PREPARE_AFTER) return undefined
    this.#names.set(sql, `s${this.#names.size}`)
    return this.#names.get(sql)
  }
}
