import type { Db } from '../db.ts'
import { compareKeys, type StateEntry, type StateKey } from './entry.ts'
import { type Child, isLeaf, type Node } from './node.ts'
import { readNodes, readRoots } from './rows.ts'

/** An entry in which two states differ: the events that stand for it on either side. */
export interface StateDifference extends StateKey {
  readonly before: number | undefined
  readonly after: number | undefined
}

/**
 * The entries in which two states differ, in order. Parts that both share are never read: the cost is that of the
 * difference, not of the states.
 */
export async function diffStates(db: Db, before: number, after: number): Promise<StateDifference[]> {
  if (before === after) return []
  const [left, right] = await readNodes(db, await readRoots(db, [before, after]))
  if (!left || !right) throw new Error('A state has no root')
  let [a, b] = [side(left), side(right)]
  // Nodes are shared at equal heights only, because all leaves of a tree are at one height: the taller side goes first.
  while (a.children.length > 0 || b.children.length > 0) {
    const height = Math.max(a.height, b.height)
    if (a.height === b.height) [a, b] = [without(a, b), without(b, a)]
    if (a.height === height) a = await descend(db, a)
    if (b.height === height) b = await descend(db, b)
  }
  return differences(a.entries, b.entries)
}

/** What is left to compare of one state: the nodes of one height, or in the end entries. */
interface Side {
  /** Of the nodes whose children these are; 0 for entries. */
  readonly height: number
  readonly children: readonly Child[]
  readonly entries: readonly StateEntry[]
}

const side = (node: Node): Side =>
  isLeaf(node) ? { height: 0, children: [], entries: node.entries } : { ...node, entries: [] }

const placeOf = ({ ref }: Child) => `${ref.row} ${ref.offset}`

function without(side: Side, other: Side): Side {
  const shared = new Set(other.children.map(placeOf))
  return { ...side, children: side.children.filter((child) => !shared.has(placeOf(child))) }
}

async function descend(db: Db, { height, children }: Side): Promise<Side> {
  const nodes = await readNodes(
    db,
    children.map((child) => child.ref),
  )
  return {
    height: height - 1,
    children: nodes.flatMap((node) => (isLeaf(node) ? [] : node.children)),
    entries: nodes.flatMap((node) => (isLeaf(node) ? node.entries : [])),
  }
}

function differences(before: readonly StateEntry[], after: readonly StateEntry[]): StateDifference[] {
  const found: StateDifference[] = []
  let [i, j] = [0, 0]
  for (;;) {
    const left = before[i]
    const right = after[j]
    if (!left && !right) return found
    const order = !left ? 1 : !right ? -1 : compareKeys(left, right)
    const { typeNid, keyNid } = (order <= 0 ? left : right) as StateEntry
    const change = {
      typeNid,
      keyNid,
      before: order <= 0 ? left?.eventNid : undefined,
      after: order >= 0 ? right?.eventNid : undefined,
    }
    if (change.before !== change.after) found.push(change)
    if (order <= 0) i++
    if (order >= 0) j++
  }
}
