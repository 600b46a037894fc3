import { LRUCache } from 'lru-cache'
import { accessOf, type Engine } from '../access.ts'
import { afterCommit, type Db, type Tx } from '../db.ts'
import { rowsIn } from '../many.ts'
import { type Node, type NodeRef, readNode } from './node.ts'

const MAX_CACHED_BYTES = 16 * 1024 * 1024
/** What a row takes beside its nodes: itself, its text's head, its place in the cache. */
const ROW_OVERHEAD = 160

/** A row of `state`: nodes, and where the root of the state with this number is (null: it only holds nodes of others). */
export interface StateRow {
  readonly nid: number
  readonly root: number | null
  /** A byte a character. Most rows are some 50 bytes, and an array of so few takes three times the memory. */
  readonly nodes: string
}

type StoredRow = Omit<StateRow, 'nodes'> & { readonly nodes: Uint8Array }

/** Bytes as `StateRow` has them. */
export const textOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('latin1')

/** Rows never change, and their numbers never come again: what is cached stays true. */
const caches = new WeakMap<Engine, LRUCache<number, StateRow>>()

function cacheOf(db: Db): LRUCache<number, StateRow> {
  const { engine } = accessOf(db)
  let cache = caches.get(engine)
  if (!cache) {
    cache = new LRUCache({ maxSize: MAX_CACHED_BYTES, sizeCalculation: (row) => row.nodes.length + ROW_OVERHEAD })
    caches.set(engine, cache)
  }
  return cache
}

/** Rows that a transaction reads or writes may still be undone, so they are remembered after the commit. */
export function rememberRows(db: Db, rows: readonly StateRow[]): void {
  const cache = cacheOf(db)
  const store = () => {
    for (const row of rows) cache.set(row.nid, row)
  }
  if (accessOf(db).afterCommit) afterCommit(db as Tx, store)
  else store()
}

/** Reads the nodes at these places, in one query for all rows that memory does not have. */
export async function readNodes(db: Db, refs: readonly NodeRef[]): Promise<Node[]> {
  const rows = await readRows(db, new Set(refs.map((ref) => ref.row)))
  return refs.map((ref) => readNode(rowOf(rows, ref.row).nodes, ref))
}

/** The roots of these states. */
export async function readRoots(db: Db, stateNids: readonly number[]): Promise<NodeRef[]> {
  const rows = await readRows(db, new Set(stateNids))
  return stateNids.map((row) => {
    const { root } = rowOf(rows, row)
    if (root === null) throw new Error(`State ${row} has no root`)
    return { row, offset: root }
  })
}

function rowOf(rows: ReadonlyMap<number, StateRow>, nid: number): StateRow {
  const row = rows.get(nid)
  if (!row) throw new Error(`State row ${nid} is missing`)
  return row
}

async function readRows(db: Db, nids: ReadonlySet<number>): Promise<Map<number, StateRow>> {
  const cache = cacheOf(db)
  const found = new Map<number, StateRow>()
  const missing: number[] = []
  for (const nid of nids) {
    const row = cache.get(nid)
    if (row) found.set(nid, row)
    else missing.push(nid)
  }
  if (missing.length === 0) return found
  const stored = await rowsIn<StoredRow>(db, 'select nid, root, nodes from state where nid in', missing)
  const rows = stored.map((row) => ({ ...row, nodes: textOf(row.nodes) }))
  for (const row of rows) found.set(row.nid, row)
  rememberRows(db, rows)
  return found
}
