import { Heap } from '../../util/heap.ts'
import type { AuthNode, Known, Need } from './known.ts'

/**
 * A walk through the auth graph from the highest rank down. Whoever adds the auth events of what it is given sees each
 * event once, after all that cite it.
 */
export class FallingWalk {
  readonly #known: Known
  readonly #waiting = new Heap<AuthNode>((one, other) => other.authRank - one.authRank)
  readonly #added = new Set<number>()
  #unloaded: number[] = []

  constructor(known: Known) {
    this.#known = known
  }

  add(nid: number): void {
    if (this.#added.has(nid)) return
    this.#added.add(nid)
    if (this.#known.hasNode(nid)) this.#waiting.push(this.#known.node(nid))
    else this.#unloaded.push(nid)
  }

  /** Loads what has been added, and gives all that stand at the highest rank; nothing at the end of the walk. */
  *nextRank(): Generator<Need, AuthNode[], void> {
    yield* this.#load()
    const rank = this.#waiting.peek()?.authRank
    const nodes: AuthNode[] = []
    for (let next = this.#waiting.peek(); next && next.authRank === rank; next = this.#waiting.peek()) {
      nodes.push(next)
      this.#waiting.pop()
    }
    return nodes
  }

  /** Loads what has been added, and says whether any event that is still to come satisfies the claim. */
  *someWaiting(claim: (node: AuthNode) => boolean): Generator<Need, boolean, void> {
    yield* this.#load()
    return this.#waiting.some(claim)
  }

  *#load(): Generator<Need, void, void> {
    if (this.#unloaded.length === 0) return
    const nids = this.#unloaded
    this.#unloaded = []
    yield { kind: 'nodes', nids }
    for (const nid of nids) this.#waiting.push(this.#known.node(nid))
  }
}
