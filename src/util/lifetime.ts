/** Something that begins to work after everything is built, and ends before what it stands on ends. */
export interface Living {
  start?(): void | Promise<void>
  close?(): void | Promise<void>
}

/** What lives as long as the server: started in the order of adding, closed in reverse. */
export class Lifetime {
  readonly #living: Living[] = []
  #started = 0

  add(living: Living): void {
    this.#living.push(living)
  }

  async start(): Promise<void> {
    for (; this.#started < this.#living.length; this.#started++) await this.#living[this.#started]?.start?.()
  }

  /** Closes everything, also what comes after something that fails to close; throws the first failure at the end. */
  async close(): Promise<void> {
    const failures: unknown[] = []
    for (const living of this.#living.splice(0).reverse()) {
      try {
        await living.close?.()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
