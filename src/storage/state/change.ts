import type { Tx } from '../db.ts'
import { compareKeys, type StateChange, type StateEntry } from './entry.ts'
import { type Child, isLeaf, type Node } from './node.ts'
import { Pack } from './pack.ts'
import { readNodes, readRoots } from './rows.ts'

/** Entries of a leaf, children of a branch: see the figures in `state.ts`. */
const MAX_ITEMS = 12

/**
 * Makes a new state of an old one. Only the nodes on the way from the root to what changed are made anew, all others
 * are shared; nodes that come out too large are split in two halves.
 */
export async function applyChanges(
  tx: Tx,
  stateNid: number | undefined,
  changes: readonly StateChange[],
): Promise<number> {
  const sorted = [...new Map(changes.map((change) => [`${change.typeNid} ${change.keyNid}`, change])).values()]
  sorted.sort(compareKeys)
  const pack = new Pack(tx)
  let top: Child[]
  let height = 0
  if (stateNid === undefined) {
    top = await storeLeaves(pack, merge([], sorted))
  } else {
    const root = await readRoots(tx, [stateNid])
    const [node] = await readNodes(tx, root)
    if (!node) throw new Error(`State ${stateNid} has no root`)
    height = node.height
    top = await change(tx, pack, node, sorted)
  }
  while (top.length > 1) top = await storeBranches(pack, ++height, top)
  return pack.finish(top[0]?.ref ?? (await pack.store({ height: 0, entries: [] })))
}

/** The nodes that take a node's place: none when nothing is left of it, several when it grew too large. */
async function change(tx: Tx, pack: Pack, node: Node, changes: readonly StateChange[]): Promise<Child[]> {
  if (isLeaf(node)) return storeLeaves(pack, merge(node.entries, changes))
  const parts = partition(node.children, changes)
  const touched = parts.filter((part) => part.changes.length > 0)
  const nodes = await readNodes(
    tx,
    touched.map((part) => part.child.ref),
  )
  const made = new Map<Child, Child[]>()
  for (const [index, part] of touched.entries()) {
    made.set(part.child, await change(tx, pack, nodes[index] as Node, part.changes))
  }
  return storeBranches(
    pack,
    node.height,
    parts.flatMap(({ child }) => made.get(child) ?? [child]),
  )
}

/** Deals the changes out to the children that hold their keys; what comes before the first child goes to the first. */
function partition(children: readonly Child[], changes: readonly StateChange[]) {
  let at = 0
  return children.map((child, index) => {
    const next = children[index + 1]
    const from = at
    while (at < changes.length && (!next || compareKeys(changes[at] as StateChange, next) < 0)) at++
    return { child, changes: changes.slice(from, at) }
  })
}

/** Entries with changes applied; both are in order. */
function merge(entries: readonly StateEntry[], changes: readonly StateChange[]): StateEntry[] {
  const merged: StateEntry[] = []
  let at = 0
  for (const { typeNid, keyNid, eventNid } of changes) {
    const key = { typeNid, keyNid }
    while (at < entries.length && compareKeys(entries[at] as StateEntry, key) < 0)
      merged.push(entries[at++] as StateEntry)
    const old = entries[at]
    if (old && compareKeys(old, key) === 0) at++
    if (eventNid !== null) merged.push({ typeNid, keyNid, eventNid })
  }
  merged.push(...entries.slice(at))
  return merged
}

const storeLeaves = (pack: Pack, entries: readonly StateEntry[]) =>
  storeParts(pack, entries, (part) => ({ height: 0, entries: part }))

const storeBranches = (pack: Pack, height: number, children: readonly Child[]) =>
  storeParts(pack, children, (part) => ({ height, children: part }))

async function storeParts<T extends StateEntry | Child>(
  pack: Pack,
  items: readonly T[],
  nodeOf: (part: readonly T[]) => Node,
): Promise<Child[]> {
  const size = Math.ceil(items.length / Math.ceil(items.length / MAX_ITEMS))
  const children: Child[] = []
  for (let start = 0; start < items.length; start += size) {
    const part = items.slice(start, start + size)
    const { typeNid, keyNid } = part[0] as T
    children.push({ typeNid, keyNid, ref: await pack.store(nodeOf(part)) })
  }
  return children
}
