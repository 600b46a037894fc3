import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authDifference } from '../../../src/room/resolve/auth-difference.ts'
import { conflictedSubgraph } from '../../../src/room/resolve/subgraph.ts'
import { type AuthGraph, anyAuthGraph, chainOf, forksOf, runWalk, unconflictedOf } from '../../support/auth-graph.ts'

const ascending = (nids: Iterable<number>) => [...nids].sort((one, other) => one - other)
const asked = (graph: AuthGraph, walk: Parameters<typeof runWalk>[1]) =>
  runWalk(graph, walk).needs.flatMap((need) => (need.kind === 'nodes' ? need.nids : []))

/** A chain of auth events, each citing the one before, with what stands upon it. */
const chain = (length: number, ...more: number[][]): number[][] => [
  ...Array.from({ length }, (_, nid) => (nid === 0 ? [] : [nid - 1])),
  ...more,
]

describe('The auth difference', () => {
  const difference = (graph: AuthGraph) => runWalk(graph, (known) => authDifference(forksOf(graph), known)).result

  it('is what full auth chains give', () => {
    fc.assert(
      fc.property(anyAuthGraph, (graph) => {
        const chains = graph.states.map((state) => chainOf(graph, state))
        const conflicted = new Set(forksOf(graph).flat())
        const expected = [...new Set(chains.flatMap((reached) => [...reached]))].filter(
          (nid) => !conflicted.has(nid) && !chains.every((reached) => reached.has(nid)),
        )
        expect(ascending(difference(graph))).toEqual(ascending(expected))
      }),
      { numRuns: 1000 },
    )
  })

  it('leaves out what an unconflicted entry rests on', () => {
    // 3 rests on 1, and so does 2, which one fork alone has; without 3, 1 would be in the difference.
    const graph = { auth: [[], [0], [1], [1]], states: [new Set([0, 2, 3]), new Set([0, 3])] }
    expect(difference(graph)).toEqual(new Set())
    expect(difference({ ...graph, states: [new Set([0, 2]), new Set([0])] })).toEqual(new Set([1]))
  })

  it('is found without the whole auth chain', () => {
    // Two forks of one event each, on top of a chain of a thousand whose last event both have.
    const graph = { auth: chain(1000, [999], [999]), states: [new Set([999, 1000]), new Set([999, 1001])] }
    expect(asked(graph, (known) => authDifference(forksOf(graph), known)).length).toBeLessThan(5)
  })

  it('is found without the whole auth chain where no state has the event in which the forks meet', () => {
    const graph = { auth: chain(1000, [999], [999]), states: [new Set([1000]), new Set([1001])] }
    expect(asked(graph, (known) => authDifference(forksOf(graph), known)).length).toBeLessThan(5)
  })
})

describe('The conflicted state subgraph', () => {
  const subgraph = (graph: AuthGraph) =>
    runWalk(graph, (known) => conflictedSubgraph(new Set(forksOf(graph).flat()), known)).result

  it('is all that is on a path between two conflicted events', () => {
    fc.assert(
      fc.property(anyAuthGraph, (graph) => {
        const conflicted = forksOf(graph).flat()
        const below = chainOf(graph, conflicted)
        const expected = [...below].filter((nid) => conflicted.some((end) => chainOf(graph, [nid]).has(end)))
        expect(ascending(subgraph(graph))).toEqual(ascending(expected))
      }),
      { numRuns: 1000 },
    )
  })

  it('may run through unconflicted events', () => {
    const graph = { auth: [[], [0], [1], [2]], states: [new Set([2, 3]), new Set([2, 1])] }
    expect(unconflictedOf(graph)).toEqual(new Set([2]))
    expect(subgraph(graph)).toEqual(new Set([1, 2, 3]))
  })

  it('is found without the whole auth chain', () => {
    const graph = { auth: chain(1000, [999], [1000], [999]), states: [new Set([1001]), new Set([1002, 999])] }
    expect(subgraph(graph)).toEqual(new Set([999, 1000, 1001, 1002]))
    const walk = (known: Parameters<Parameters<typeof runWalk>[1]>[0]) =>
      conflictedSubgraph(new Set(forksOf(graph).flat()), known)
    expect(asked(graph, walk).length).toBeLessThan(6)
  })
})
