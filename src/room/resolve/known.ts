import type { StateTuple } from '../auth-types.ts'
import type { RoomEvent } from '../event.ts'
import { stateKeyOf } from '../state-key.ts'

/** An event as the walks through the auth graph see it. Events stand for numbers: see `resolve`. */
export interface AuthNode {
  readonly nid: number
  readonly authNids: readonly number[]
  /** 1 + the highest rank among its auth events; 1 if it has none. */
  readonly authRank: number
  /** Whether every fork has it in its state. */
  readonly isUnconflicted: boolean
}

/** An event in full. */
export interface GraphEvent extends RoomEvent {
  readonly nid: number
  readonly authNids: readonly number[]
  readonly authRank: number
}

/** What the resolver has to know before it goes on; the caller puts it into `Known`. */
export type Need =
  /** These events as nodes. */
  | { readonly kind: 'nodes'; readonly nids: readonly number[] }
  /** The nodes of all entries of the unconflicted state whose nid is above `nid`. Asked for at most once, and rarely. */
  | { readonly kind: 'unconflicted'; readonly aboveNid: number }
  /** These events in full. */
  | { readonly kind: 'events'; readonly nids: readonly number[] }
  /** These entries of the unconflicted state, in full. Keys that are conflicted are never asked for. */
  | { readonly kind: 'state'; readonly keys: readonly StateTuple[] }

/** What has been loaded so far. The caller may add more than it was asked for. */
export class Known {
  readonly #nodes = new Map<number, AuthNode>()
  readonly #events = new Map<number, GraphEvent>()
  readonly #state = new Map<string, GraphEvent | undefined>()
  #unconflicted: readonly AuthNode[] | undefined

  addNodes(nodes: Iterable<AuthNode>): void {
    for (const node of nodes) this.#nodes.set(node.nid, node)
  }

  addUnconflicted(nodes: readonly AuthNode[]): void {
    this.#unconflicted = nodes
  }

  addEvents(events: Iterable<GraphEvent>): void {
    for (const event of events) this.#events.set(event.nid, event)
  }

  /** `event`: undefined where the unconflicted state has no such entry. */
  addState(type: string, stateKey: string, event: GraphEvent | undefined): void {
    this.#state.set(stateKeyOf(type, stateKey), event)
  }

  hasNode(nid: number): boolean {
    return this.#nodes.has(nid)
  }

  hasEvent(nid: number): boolean {
    return this.#events.has(nid)
  }

  hasState(type: string, stateKey: string): boolean {
    return this.#state.has(stateKeyOf(type, stateKey))
  }

  node(nid: number): AuthNode {
    return present(this.#nodes.get(nid), nid)
  }

  event(nid: number): GraphEvent {
    return present(this.#events.get(nid), nid)
  }

  get unconflicted(): readonly AuthNode[] {
    return this.#unconflicted ?? []
  }

  state(type: string, stateKey: string): GraphEvent | undefined {
    return this.#state.get(stateKeyOf(type, stateKey))
  }
}

/** An event that is cited but not there would silently change the outcome: better none at all. */
function present<T>(found: T | undefined, nid: number): T {
  if (found === undefined) throw new Error(`State resolution was not given event ${nid}`)
  return found
}
