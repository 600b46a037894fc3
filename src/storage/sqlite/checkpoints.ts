/** How far the write-ahead log reaches, and how much of it is in the database already; in pages. */
export interface LogPages {
  readonly log: number
  readonly checkpointed: number
}

export interface LogLimits {
  /** So many pages that are not in the database yet begin a checkpoint. */
  readonly checkpointPages: number
  /** A log of so many pages is to start over: writing stops until the rest of it, too, is in the database. */
  readonly capPages: number
}

/** 16 and 64 MiB. */
export const LOG_LIMITS: LogLimits = { checkpointPages: 4_096, capPages: 16_384 }

interface Edges {
  /** Copies the log into the database, without waiting for anybody; returns how far that went. */
  checkpoint(): Promise<LogPages>
  /** Resolves when no group is open; none begins before `resume`. */
  hold(): Promise<void>
  resume(): void
  onFailed(error: unknown): void
}

/**
 * Keeps the write-ahead log short. SQLite starts the log over when all of it is in the database and nobody reads it;
 * while one group follows the other that moment never comes by itself. So when the log reaches its cap, writing waits
 * for the tail, which is short, because a checkpoint has just copied the rest.
 */
export class Checkpoints {
  readonly #edges: Edges
  readonly #limits: LogLimits
  #running: Promise<void> | undefined
  #closed = false
  /** Where the log was when writing was last held for it. */
  #heldAt = 0

  constructor(edges: Edges, limits: LogLimits) {
    this.#edges = edges
    this.#limits = limits
  }

  /** To be called after each commit. */
  consider({ log, checkpointed }: LogPages): void {
    if (this.#running || this.#closed) return
    if (log < this.#heldAt) this.#heldAt = 0
    if (log - checkpointed < this.#limits.checkpointPages && !this.#isTooLong(log)) return
    this.#running = this.#run()
      .catch(this.#edges.onFailed)
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Ends after the checkpoint that is under way. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { checkpoint, hold, resume } = this.#edges
    if (!this.#isTooLong((await checkpoint()).log)) return
    try {
      await hold()
      this.#heldAt = (await checkpoint()).log
    } finally {
      resume()
    }
  }

  /** A log that did not start over although writing was held has a reader outside: no use in trying again at once. */
  #isTooLong(log: number): boolean {
    return log >= Math.max(this.#limits.capPages, 2 * this.#heldAt)
  }
}
