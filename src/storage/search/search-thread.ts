import { extname } from 'node:path'
import type { DatabaseConfig } from '../config.ts'
import { Thread } from '../thread.ts'
import type { IndexPage, IndexQuery, SearchHit } from './store.ts'

export type SearchRequest =
  | { is: 'reach'; upTo: number; isUrgent: boolean }
  | { is: 'find'; query: IndexQuery; page: IndexPage }
  | { is: 'count'; query: IndexQuery; limit: number }
  | { is: 'restart' }

/** It keeps hardly anything: what it makes is gone after each step. */
const MEMORY = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 }

/** A thread costs 16 MiB: it ends when nobody has asked it anything for so long. */
const REST_MS = 60_000

/** The other end of `search-worker.ts`. */
export class SearchThread {
  readonly #thread: Thread<SearchRequest>

  constructor(config: DatabaseConfig, restMs = REST_MS) {
    const here = import.meta.url
    // Beside this file, in the source and in the built program alike.
    const file = new URL(`search-worker${extname(here)}`, here)
    this.#thread = new Thread(file, { name: 'search index', workerData: config, resourceLimits: MEMORY, restMs })
  }

  /**
   * Has the index follow the events up to this number; returns the last row of `search_again` that it has seen.
   * `isUrgent`: somebody waits.
   */
  async reach(upTo: number, isUrgent: boolean): Promise<number> {
    return (await this.#thread.ask({ is: 'reach', upTo, isUrgent })) as number
  }

  async find(query: IndexQuery, page: IndexPage): Promise<SearchHit[]> {
    return (await this.#thread.ask({ is: 'find', query, page })) as SearchHit[]
  }

  /** How many hits there are, up to `limit`. */
  async count(query: IndexQuery, limit: number): Promise<number> {
    return (await this.#thread.ask({ is: 'count', query, limit })) as number
  }

  /** Empties the index. */
  async restart(): Promise<void> {
    await this.#thread.ask({ is: 'restart' })
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}
