import type { Tx } from '../db.ts'
import { rawRows } from '../run.ts'
import { type Node, type NodeRef, SAME_ROW, writeNode } from './node.ts'
import { rememberRows, type StateRow, textOf } from './rows.ts'
import { ByteWriter } from './varint.ts'

/** A change of many entries is spread over rows of about this size, so that reading one of them stays cheap. */
const ROW_BYTES = 2_000

/** Collects the new nodes of a state, children before parents, and writes them in rows: a small change in one. */
export class Pack {
  readonly #tx: Tx
  readonly #out = new ByteWriter()
  readonly #written: StateRow[] = []
  /** Nodes of the row that is being filled: its number is known once it is written. */
  #pending: NodeRef[] = []

  constructor(tx: Tx) {
    this.#tx = tx
  }

  async store(node: Node): Promise<NodeRef> {
    if (this.#out.length > ROW_BYTES) await this.#write(null)
    const ref = { row: SAME_ROW, offset: writeNode(this.#out, node) }
    this.#pending.push(ref)
    return ref
  }

  /** Writes what is left, the root last of all; returns the number of the state. */
  async finish(root: NodeRef): Promise<number> {
    const nid = await this.#write(root.offset)
    rememberRows(this.#tx, this.#written)
    return nid
  }

  async #write(root: number | null): Promise<number> {
    const nodes = this.#out.take()
    const sql = 'insert into state (root, nodes) values (?, ?) returning nid'
    const [row] = await rawRows<{ nid: number }>(this.#tx, sql, [root, nodes])
    if (!row) throw new Error('The state got no number')
    for (const ref of this.#pending) ref.row = row.nid
    this.#pending = []
    this.#written.push({ nid: row.nid, root, nodes: textOf(nodes) })
    return row.nid
  }
}
