import { currentEventNid } from '../../storage/counter.ts'
import { type Db, transact } from '../../storage/db.ts'
import { deleteSearchAgain } from '../../storage/search/again.ts'
import type { SearchThread } from '../../storage/search/search-thread.ts'
import type { IndexPage, IndexQuery, SearchHit } from '../../storage/search/store.ts'
import type { Clock } from '../../util/clock.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly thread: SearchThread
  onFailure(error: unknown): void
}

/** What comes in so close together is indexed together. */
const PAUSE_MS = 500
/** A search waits so long for what was sent just before it. */
const PATIENCE_MS = 1_000

/**
 * The index of texts, and its way behind the events: whoever sends does not wait for it, and is found half a second later,
 * or when somebody searches. The index never goes beyond what is durable.
 */
export class SearchIndex {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  #following: Promise<void> | undefined
  #isDirty = false
  /** The last row of `search_again` that was deleted. */
  #seen = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Something was sent, or the server has started. */
  wake(): void {
    this.#isDirty = true
    if (this.#stop.signal.aborted) return
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined
    })
  }

  find(query: IndexQuery, page: IndexPage): Promise<SearchHit[]> {
    return this.#deps.thread.find(query, page)
  }

  /** How many hits there are, up to `limit`. */
  count(query: IndexQuery, limit: number): Promise<number> {
    return this.#deps.thread.count(query, limit)
  }

  /** Resolves once all that was sent can be found, or after a second: where the index is being built, that takes longer. */
  async reachNow(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS)
    })
    const reached = this.caughtUp()
    // When the wait was given up, a failure is the next search's to tell.
    reached.catch(() => {})
    await Promise.race([reached, patience]).finally(() => clearTimeout(timer))
  }

  /** Resolves once the index has all that was sent until now. */
  caughtUp(): Promise<void> {
    return this.#reach(true)
  }

  /** Throws the index away and has it made anew. */
  async rebuild(): Promise<void> {
    await this.#deps.thread.restart()
    this.wake()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#deps.thread.close()
    await this.#following
  }

  async #follow(): Promise<void> {
    const { clock, onFailure } = this.#deps
    while (this.#isDirty) {
      await clock.sleep(PAUSE_MS, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      this.#isDirty = false
      try {
        await this.#reach(false)
      } catch (error) {
        if (!this.#stop.signal.aborted) onFailure(error)
      }
    }
  }

  async #reach(isUrgent: boolean): Promise<void> {
    const { db, thread } = this.#deps
    const seen = await thread.reach(await currentEventNid(db), isUrgent)
    if (seen <= this.#seen || this.#stop.signal.aborted) return
    this.#seen = seen
    await transact(db, (tx) => deleteSearchAgain(tx, seen))
  }
}
