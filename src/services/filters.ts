import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { canonicalJson } from '../matrix/canonical-json.ts'
import { badJson, invalidParam, MatrixError, notFound } from '../matrix/errors.ts'
import { type Db, transact } from '../storage/db.ts'
import * as store from '../storage/filters.ts'
import type { Awaitable } from '../util/awaitable.ts'
import { Filter, NO_FILTER } from './sync/filter.ts'
import { type FilterContent, filterSchema } from './sync/filter-schema.ts'

/** Texts of filters that are kept ready to use, which takes three times as much. */
const MAX_CACHED_BYTES = 8 * 1024 * 1024
const MAX_FILTERS_OF_USER = 1_000
const MAX_BYTES = 64 * 1024
const FILTER_ID = /^\d{1,15}$/

/** The filters that clients store for `/sync` and `/messages` (spec: client-server API, Filtering). */
export class Filters {
  readonly #db: Db
  readonly #compiled = new LRUCache<string, Filter>({ maxSize: MAX_CACHED_BYTES })

  constructor(db: Db) {
    this.#db = db
  }

  /** Stores a filter and returns its id; the same filter has the same id. */
  async define(userNid: number, content: FilterContent): Promise<string> {
    const text = canonicalJson(content)
    if (Buffer.byteLength(text) > MAX_BYTES) throw new MatrixError('M_TOO_LARGE', 'The filter is over 64 KiB')
    const digest = createHash('sha256').update(text).digest('base64url')
    const known = await store.findFilterId(this.#db, userNid, digest)
    if (known !== undefined) return String(known)
    if ((await store.countFilters(this.#db, userNid)) >= MAX_FILTERS_OF_USER) throw badJson('Too many filters')
    for (;;) {
      const id = await transact(this.#db, async (tx) => {
        await store.insertFilter(tx, userNid, digest, text)
        return store.findFilterId(tx, userNid, digest)
      })
      if (id !== undefined) return String(id)
    }
  }

  /** A stored filter as its client sent it. */
  async get(userNid: number, filterId: string): Promise<FilterContent> {
    const text = await this.#find(userNid, filterId)
    if (text === undefined) throw notFound('No such filter')
    return JSON.parse(text) as FilterContent
  }

  /** The filter of a request: an id, JSON, or none. */
  resolve(userNid: number, filter: string | undefined): Awaitable<Filter> {
    if (filter === undefined || filter === '') return NO_FILTER
    const key = filter.startsWith('{') ? filter : `${userNid} ${filter}`
    return this.#compiled.get(key) ?? this.#compile(userNid, filter, key)
  }

  async #compile(userNid: number, filter: string, key: string): Promise<Filter> {
    const isInline = filter === key
    const text = isInline ? filter : await this.#find(userNid, filter)
    if (text === undefined) throw invalidParam('No such filter')
    const compiled = new Filter(isInline ? parseInline(text) : (JSON.parse(text) as FilterContent))
    this.#compiled.set(key, compiled, { size: key.length + text.length })
    return compiled
  }

  async #find(userNid: number, filterId: string): Promise<string | undefined> {
    return FILTER_ID.test(filterId) ? store.findFilter(this.#db, userNid, Number(filterId)) : undefined
  }
}

function parseInline(text: string): FilterContent {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw invalidParam('The filter is no JSON')
  }
  const parsed = filterSchema.safeParse(json)
  if (!parsed.success) throw invalidParam(`The filter is not valid: ${parsed.error.issues[0]?.message ?? ''}`)
  return parsed.data
}
