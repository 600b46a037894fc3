import type { Db } from '../db.ts'
import { compareKeys, type StateEntry, type StateKey } from './entry.ts'
import { type Child, isLeaf, type Node } from './node.ts'
import { readNodes, readRoots } from './rows.ts'

/** The event of one entry of a state, if there is one: reads one row for each level of the tree. */
export async function stateEntry(
  db: Db,
  stateNid: number,
  typeNid: number,
  keyNid: number,
): Promise<number | undefined> {
  const [entry] = await stateEntries(db, stateNid, [{ typeNid, keyNid }])
  return entry?.eventNid
}

/** Those of the wanted entries that the state has, in order; one query for each level of the tree. */
export async function stateEntries(db: Db, stateNid: number, wanted: readonly StateKey[]): Promise<StateEntry[]> {
  const keys = [...wanted].sort(compareKeys)
  const isWanted = new Set(keys.map(keyText))
  const entries = await walk(db, stateNid, (children) => holders(children, keys))
  return entries.filter((entry) => isWanted.has(keyText(entry)))
}

const keyText = ({ typeNid, keyNid }: StateKey) => `${typeNid} ${keyNid}`

/** The children that hold one of the keys, if any does. */
function holders(children: readonly Child[], keys: readonly StateKey[]): Child[] {
  return children.filter((child, index) => {
    const next = children[index + 1]
    const key = keys[lowerBound(keys, child)]
    return key !== undefined && (!next || compareKeys(key, next) < 0)
  })
}

/** Index of the first key that is not below `from`. */
function lowerBound(keys: readonly StateKey[], from: StateKey): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle] as StateKey, from) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Which part of a state to read. */
export interface StatePart {
  /** Entries of this type alone. */
  readonly onlyType?: number
  /** No entries of this type: for instance all but the members, which are the one part that grows with the room. */
  readonly exceptType?: number
  /** Entries after this one; with `limit`, a page. */
  readonly after?: StateKey
  readonly limit?: number
}

/** The entries of a state in order of (type, key), whole or in part; reads little more than it returns. */
export async function loadState(db: Db, stateNid: number, part: StatePart = {}): Promise<StateEntry[]> {
  const { limit = Number.POSITIVE_INFINITY } = part
  const entries = await walk(db, stateNid, (children) => {
    const overlapping = children.filter((child, index) => mayHold(part, child, children[index + 1]))
    // Each child but the first, which may lie before the page, holds at least one entry of it.
    return overlapping.slice(0, limit + 1)
  })
  return entries.filter((entry) => isIn(part, entry)).slice(0, limit)
}

const isIn = ({ onlyType, exceptType, after }: StatePart, entry: StateEntry): boolean =>
  (onlyType === undefined || entry.typeNid === onlyType) &&
  entry.typeNid !== exceptType &&
  (after === undefined || compareKeys(entry, after) > 0)

/** Whether an entry of the part can stand from `child` on and before `next`. */
function mayHold({ onlyType, exceptType, after }: StatePart, child: Child, next: Child | undefined): boolean {
  if (next && after && compareKeys(next, after) <= 0) return false
  if (onlyType !== undefined) {
    return child.typeNid <= onlyType && (!next || next.typeNid >= onlyType)
  }
  return !(exceptType !== undefined && child.typeNid === exceptType && next?.typeNid === exceptType)
}

/** Reads a tree level by level, into those children only that `choose` picks; returns the entries in order. */
async function walk(db: Db, stateNid: number, choose: (children: Child[]) => Child[]): Promise<StateEntry[]> {
  let nodes: Node[] = await readNodes(db, await readRoots(db, [stateNid]))
  for (;;) {
    const entries: StateEntry[] = []
    const children: Child[] = []
    for (const node of nodes) {
      if (isLeaf(node)) entries.push(...node.entries)
      else children.push(...node.children)
    }
    if (children.length === 0) return entries
    nodes = await readNodes(
      db,
      choose(children).map((child) => child.ref),
    )
  }
}
