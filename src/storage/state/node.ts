import type { StateEntry, StateKey } from './entry.ts'
import { ByteReader, type ByteWriter } from './varint.ts'

/** Where a node is: which row of `state`, and at which byte of its `nodes`. */
export interface NodeRef {
  row: number
  readonly offset: number
}

/** A part of a branch: everything from this key on, up to the next child's. */
export interface Child extends StateKey {
  readonly ref: NodeRef
}

/** Nodes of a B+ tree: all leaves have height 0, the root has the greatest. Entries and children are in order. */
export interface Leaf {
  readonly height: 0
  readonly entries: readonly StateEntry[]
}

export interface Branch {
  readonly height: number
  readonly children: readonly Child[]
}

export type Node = Leaf | Branch

export const isLeaf = (node: Node): node is Leaf => node.height === 0

/** In a pointer: the node is in the row that the pointer itself is in. */
export const SAME_ROW = 0

/** Appends a node: keys as differences to the one before, all numbers of variable length. Returns its offset. */
export function writeNode(out: ByteWriter, node: Node): number {
  const offset = out.length
  out.number(node.height)
  const items = isLeaf(node) ? node.entries : node.children
  out.number(items.length)
  let last: StateKey = { typeNid: 0, keyNid: 0 }
  for (const item of items) {
    const sameType = item.typeNid === last.typeNid
    out.number(item.typeNid - last.typeNid)
    out.number(sameType ? item.keyNid - last.keyNid : item.keyNid)
    if ('ref' in item) {
      out.number(item.ref.row)
      out.number(item.ref.offset)
    } else {
      out.number(item.eventNid)
    }
    last = item
  }
  return offset
}

/** Reads the node at `ref`. */
export function readNode(nodes: string, ref: NodeRef): Node {
  const bytes = new ByteReader(nodes, ref.offset)
  const height = bytes.number()
  const count = bytes.number()
  const entries: StateEntry[] = []
  const children: Child[] = []
  let typeNid = 0
  let keyNid = 0
  for (let i = 0; i < count; i++) {
    const moved = bytes.number()
    typeNid += moved
    keyNid = moved === 0 ? keyNid + bytes.number() : bytes.number()
    if (height === 0) {
      entries.push({ typeNid, keyNid, eventNid: bytes.number() })
    } else {
      const row = bytes.number()
      children.push({ typeNid, keyNid, ref: { row: row === SAME_ROW ? ref.row : row, offset: bytes.number() } })
    }
  }
  return height === 0 ? { height, entries } : { height, children }
}
