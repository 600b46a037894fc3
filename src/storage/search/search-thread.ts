import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { DatabaseConfig } from '../config.ts'
import type { IndexPage, IndexQuery, SearchHit } from './store.ts'

export type SearchRequest =
  | { is: 'reach'; upTo: number; isUrgent: boolean }
  | { is: 'find'; query: IndexQuery; page: IndexPage }
  | { is: 'count'; query: IndexQuery; limit: number }
  | { is: 'restart' }

export interface SearchAnswer {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

/** It keeps hardly anything: what it makes is gone after each step. */
const MEMORY = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 }

interface Asked {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** A thread costs 16 MiB: it ends when nobody has asked it anything for so long. */
const REST_MS = 60_000

/**
 * The other end of `search-worker.ts`; the thread starts when it is first needed, and again after it broke or had nothing
 * to do for a minute.
 */
export class SearchThread {
  readonly #config: DatabaseConfig
  readonly #restMs: number
  readonly #asked = new Map<number, Asked>()
  #worker: Worker | undefined
  #rest: NodeJS.Timeout | undefined
  #last = 0

  constructor(config: DatabaseConfig, restMs = REST_MS) {
    this.#config = config
    this.#restMs = restMs
  }

  /**
   * Has the index follow the events up to this number; returns the last row of `search_again` that it has seen.
   * `isUrgent`: somebody waits.
   */
  async reach(upTo: number, isUrgent: boolean): Promise<number> {
    return (await this.#ask({ is: 'reach', upTo, isUrgent })) as number
  }

  async find(query: IndexQuery, page: IndexPage): Promise<SearchHit[]> {
    return (await this.#ask({ is: 'find', query, page })) as SearchHit[]
  }

  /** How many hits there are, up to `limit`. */
  async count(query: IndexQuery, limit: number): Promise<number> {
    return (await this.#ask({ is: 'count', query, limit })) as number
  }

  /** Empties the index. */
  async restart(): Promise<void> {
    await this.#ask({ is: 'restart' })
  }

  async close(): Promise<void> {
    clearTimeout(this.#rest)
    await this.#worker?.terminate()
  }

  #ask(request: SearchRequest): Promise<unknown> {
    this.#worker ??= this.#start()
    const worker = this.#worker
    const id = ++this.#last
    clearTimeout(this.#rest)
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      worker.postMessage({ id, request })
    })
  }

  #start(): Worker {
    const here = import.meta.url
    // Beside this file, in the source and in the built program alike.
    const worker = new Worker(new URL(`search-worker${extname(here)}`, here), {
      workerData: this.#config,
      resourceLimits: MEMORY,
    })
    worker.unref()
    worker.on('message', ({ id, value, failure }: SearchAnswer) => {
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (failure === undefined) asked?.resolve(value)
      else asked?.reject(new Error(`The search index failed: ${failure}`))
      if (this.#asked.size === 0) this.#rest = setTimeout(() => this.#endRested(worker), this.#restMs).unref()
    })
    worker.on('error', (error) => this.#end(worker, error))
    worker.on('exit', () => this.#end(worker, new Error('The thread of the search index has ended')))
    return worker
  }

  #endRested(worker: Worker): void {
    if (this.#worker !== worker || this.#asked.size > 0) return
    this.#worker = undefined
    void worker.terminate()
  }

  #end(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of asked) reject(error instanceof Error ? error : new Error(String(error)))
  }
}
