import { FallingWalk } from './falling-walk.ts'
import type { AuthNode, Known, Need } from './known.ts'

/**
 * The conflicted state subgraph (rooms/v12, MSC4297): all events on auth paths from one conflicted event to another, the
 * ends included. Walks down from the conflicted events, no further than the lowest of them.
 */
export function* conflictedSubgraph(conflicted: ReadonlySet<number>, known: Known): Generator<Need, Set<number>, void> {
  let oldest = Number.POSITIVE_INFINITY
  for (const nid of conflicted) oldest = Math.min(oldest, nid)
  const walk = new FallingWalk(known)
  for (const nid of conflicted) walk.add(nid)

  const seen: AuthNode[] = []
  while (yield* walk.someWaiting(({ nid }) => conflicted.has(nid))) {
    for (const node of yield* walk.nextRank()) {
      seen.push(node)
      for (const auth of node.authNids) if (auth >= oldest) walk.add(auth)
    }
  }
  // And back up: on a path is what is conflicted, or cites what is on a path.
  const onPath = new Set(conflicted)
  for (const { nid, authNids } of seen.reverse()) {
    if (authNids.some((auth) => onPath.has(auth))) onPath.add(nid)
  }
  return onPath
}
