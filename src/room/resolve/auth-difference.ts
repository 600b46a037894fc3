import { FallingWalk } from './falling-walk.ts'
import type { Known, Need } from './known.ts'

/**
 * The auth difference (rooms/v2): the events that the state of one fork rests on and that of another does not. Conflicted
 * events are left out, for they are in the full conflicted set anyway. A fork's state counts as part of its auth chain,
 * as it does for other servers; so an event that every fork has in its state is in no difference.
 */
export function* authDifference(
  forks: readonly (readonly number[])[],
  known: Known,
): Generator<Need, Set<number>, void> {
  const difference = yield* differenceOfConflicted(forks, known)
  for (const nid of forks.flat()) difference.delete(nid)
  if (difference.size > 0) yield* dropReachedByAll(difference, known)
  return difference
}

/** Walks down from the conflicted events of each fork until all that is left has been reached from every fork. */
function* differenceOfConflicted(
  forks: readonly (readonly number[])[],
  known: Known,
): Generator<Need, Set<number>, void> {
  const all = (1n << BigInt(forks.length)) - 1n
  // Of each event a bit for each fork from which it was reached.
  const reached = new Map<number, bigint>()
  const walk = new FallingWalk(known)
  const reach = (nid: number, from: bigint) => {
    reached.set(nid, (reached.get(nid) ?? 0n) | from)
    walk.add(nid)
  }
  for (const [i, fork] of forks.entries()) for (const nid of fork) reach(nid, 1n << BigInt(i))

  const difference = new Set<number>()
  while (yield* walk.someWaiting(({ nid, isUnconflicted }) => !isUnconflicted && reached.get(nid) !== all)) {
    for (const { nid, authNids, isUnconflicted } of yield* walk.nextRank()) {
      const from = isUnconflicted ? all : (reached.get(nid) ?? 0n)
      if (from !== all) difference.add(nid)
      for (const auth of authNids) reach(auth, from)
    }
  }
  return difference
}

/**
 * Takes out what the unconflicted state rests on, and with it every fork. Only entries that are newer than the oldest
 * event in question can rest on it, so that the walk touches what has happened since.
 */
function* dropReachedByAll(difference: Set<number>, known: Known): Generator<Need, void, void> {
  let oldest = Number.POSITIVE_INFINITY
  for (const nid of difference) oldest = Math.min(oldest, nid)
  yield { kind: 'unconflicted', aboveNid: oldest }
  known.addNodes(known.unconflicted)
  const walk = new FallingWalk(known)
  for (const { nid } of known.unconflicted) walk.add(nid)
  for (let nodes = yield* walk.nextRank(); nodes.length > 0; nodes = yield* walk.nextRank()) {
    for (const { nid, authNids } of nodes) {
      difference.delete(nid)
      for (const auth of authNids) if (auth >= oldest) walk.add(auth)
    }
    if (difference.size === 0) return
  }
}
