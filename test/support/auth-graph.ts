import fc from 'fast-check'
import type { AuthNode } from '../../src/room/resolve/known.ts'
import { Known, type Need } from '../../src/room/resolve/known.ts'

/** Any auth graph, its events numbered along auth edges, and states of forks over it. */
export interface AuthGraph {
  /** The auth events of each event. */
  auth: readonly (readonly number[])[]
  /** Of each fork the events in its state. */
  states: readonly ReadonlySet<number>[]
}

export const anyAuthGraph: fc.Arbitrary<AuthGraph> = fc
  .record({
    citing: fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 25 }),
    held: fc.array(fc.array(fc.nat(), { maxLength: 6 }), { minLength: 2, maxLength: 4 }),
    common: fc.array(fc.nat(), { maxLength: 4 }),
  })
  .map(({ citing, held, common }) => ({
    auth: citing.map((cited, nid) => (nid === 0 ? [] : [...new Set(cited.map((n) => n % nid))])),
    states: held.map((nids) => new Set([...nids, ...common].map((n) => n % citing.length))),
  }))

export const unconflictedOf = ({ states }: AuthGraph): Set<number> =>
  new Set([...(states[0] ?? [])].filter((nid) => states.every((state) => state.has(nid))))

/** Of each fork the conflicted part of its state. */
export function forksOf(graph: AuthGraph): number[][] {
  const unconflicted = unconflictedOf(graph)
  return graph.states.map((state) => [...state].filter((nid) => !unconflicted.has(nid)))
}

/** Everything that can be reached from some events, they themselves included. */
export function chainOf({ auth }: AuthGraph, from: Iterable<number>): Set<number> {
  const chain = new Set<number>()
  const waiting = [...from]
  for (let nid = waiting.pop(); nid !== undefined; nid = waiting.pop()) {
    if (chain.has(nid)) continue
    chain.add(nid)
    waiting.push(...(auth[nid] ?? []))
  }
  return chain
}

/** Runs a walk over the graph and gives its result with the needs that it had. */
export function runWalk<T>(
  graph: AuthGraph,
  walk: (known: Known) => Generator<Need, T, void>,
): { result: T; needs: Need[] } {
  const ranks: number[] = []
  for (const cited of graph.auth) ranks.push(1 + Math.max(0, ...cited.map((nid) => ranks[nid] ?? 0)))
  const unconflicted = unconflictedOf(graph)
  const nodeAt = (nid: number): AuthNode => ({
    nid,
    authNids: graph.auth[nid] ?? [],
    authRank: ranks[nid] ?? 1,
    isUnconflicted: unconflicted.has(nid),
  })
  const known = new Known()
  const needs: Need[] = []
  const steps = walk(known)
  let step = steps.next()
  for (; !step.done; step = steps.next()) {
    const need = step.value
    needs.push(need)
    if (need.kind === 'nodes') known.addNodes(need.nids.map(nodeAt))
    else if (need.kind === 'unconflicted') {
      known.addUnconflicted([...unconflicted].filter((nid) => nid > need.aboveNid).map(nodeAt))
    } else throw new Error(`A walk needs no ${need.kind}`)
  }
  return { result: step.value, needs }
}
