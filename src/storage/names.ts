import type { LRUCache } from 'lru-cache'
import { chunks } from '../util/chunks.ts'
import { lruCache } from '../util/lru.ts'
import { accessOf, type Engine } from './access.ts'
import { afterCommit, type Db, type Tx } from './db.ts'
import { rowsIn } from './many.ts'
import { rawRows } from './run.ts'

/**
 * Interned texts: event types, state keys, user ids, relation types. A name's number never changes and no name is ever
 * removed, so what the caches hold stays true; they learn a name only once it is committed.
 */

const MAX_CACHED = 100_000
const MAX_INTERNED = 500

interface Cache {
  readonly nids: LRUCache<string, number>
  readonly texts: LRUCache<number, string>
}

const caches = new WeakMap<Engine, Cache>()

function cacheOf(db: Db): Cache {
  const { engine } = accessOf(db)
  let cache = caches.get(engine)
  if (!cache) {
    cache = { nids: lruCache(MAX_CACHED), texts: lruCache(MAX_CACHED) }
    caches.set(engine, cache)
  }
  return cache
}

interface NameRow {
  nid: number
  text: string
}

const BY_TEXT = 'select nid, text from name where text in'
const BY_NID = 'select nid, text from name where nid in'

/** The numbers of those texts that have one. */
export const nameNids = <Text extends string>(db: Db, texts: Iterable<Text>): Promise<Map<Text, number>> =>
  // What is found is among what was asked for, and so of its type.
  lookUp(db, texts, cacheOf(db).nids, BY_TEXT, ({ nid, text }) => [text, nid]) as Promise<Map<Text, number>>

/** The texts behind numbers. */
export const namesOf = (db: Db, nids: Iterable<number>): Promise<Map<number, string>> =>
  lookUp(db, nids, cacheOf(db).texts, BY_NID, ({ nid, text }) => [nid, text])

/** The numbers of all these texts; those that have none get one. */
export async function internNames(tx: Tx, texts: Iterable<string>): Promise<Map<string, number>> {
  const wanted = new Set(texts)
  const found = await nameNids(tx, wanted)
  if (found.size === wanted.size) return found
  // In order, so that two transactions that intern the same names on PostgreSQL do not wait for each other in a circle.
  const missing = [...wanted].filter((text) => !found.has(text)).sort()
  const made: NameRow[] = []
  for (const part of chunks(missing, MAX_INTERNED)) {
    const rows = await rawRows<NameRow>(
      tx,
      `insert into name (text) values ${part.map(() => '(?)').join(', ')} on conflict (text) do nothing returning nid, text`,
      part,
    )
    made.push(...rows)
  }
  for (const { nid, text } of made) found.set(text, nid)
  remember(tx, made)
  // Somebody else interned these meanwhile; the insert has waited for their commit.
  if (found.size < wanted.size) {
    for (const [text, nid] of await nameNids(tx, missing)) found.set(text, nid)
  }
  return found
}

/** The number of one text, which gets one if it has none. */
export const internName = async (tx: Tx, text: string): Promise<number> => nidOf(await internNames(tx, [text]), text)

/** The number of a text among those that were interned. */
export function nidOf(interned: ReadonlyMap<string, number>, text: string): number {
  const nid = interned.get(text)
  if (nid === undefined) throw new Error('A name was not interned')
  return nid
}

/** What is cached of these, and the rest from the table; `entryOf`: what a row says of a key. */
async function lookUp<Key extends string | number, Value extends string | number>(
  db: Db,
  keys: Iterable<Key>,
  cached: LRUCache<Key, Value>,
  sql: string,
  entryOf: (row: NameRow) => [Key, Value],
): Promise<Map<Key, Value>> {
  const found = new Map<Key, Value>()
  const missing = new Set<Key>()
  for (const key of keys) {
    const value = cached.get(key)
    if (value === undefined) missing.add(key)
    else found.set(key, value)
  }
  if (missing.size === 0) return found
  const rows = await rowsIn<NameRow>(db, sql, [...missing])
  for (const row of rows) found.set(...entryOf(row))
  remember(db, rows)
  return found
}

/** What a transaction reads may be its own and still be undone, so it is remembered after the commit. */
function remember(db: Db, rows: readonly NameRow[]): void {
  const cache = cacheOf(db)
  const store = () => {
    for (const { nid, text } of rows) {
      cache.nids.set(text, nid)
      cache.texts.set(nid, text)
    }
  }
  if (accessOf(db).afterCommit) afterCommit(db as Tx, store)
  else store()
}
