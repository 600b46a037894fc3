import type { RoomVersion } from '../versions.ts'
import type { Conflict } from './conflict.ts'
import type { GraphEvent, Known, Need } from './known.ts'
import { resolveV1 } from './v1.ts'
import { resolveV2 } from './v2.ts'

/**
 * Resolves the states of forks (spec: rooms/, State resolution). Gives the events that the resolved state has where the
 * forks differ: a conflicted key at which there is none is absent from it. Now and then it gives an event at a key that
 * no fork has. Everywhere else the resolved state is the unconflicted state.
 *
 * Pure and synchronous, it asks its caller for what it needs, in rounds, never for a whole auth chain or a whole state:
 *
 *     const known = new Known()
 *     const resolution = resolve(conflict, known, version)
 *     let step = resolution.next()
 *     for (; !step.done; step = resolution.next()) await load(step.value, known)
 *     return step.value
 *
 * `load` puts what a `Need` asks for into `known`; more does no harm. Events stand for numbers (nid) which rise along
 * auth edges: an event has a higher nid than those that it cites, because it is stored after them. The rounds are
 * 1. nodes of the auth graph: from the conflicted events down in falling rank, one round a rank, until all forks have
 *    met in each path (auth difference) and, in v2.1, down to the lowest conflicted event (conflicted subgraph);
 * 2. if that leaves a difference, the nodes of the unconflicted state that are newer than its oldest event;
 * 3. the full conflicted set in full, then its auth events;
 * 4. the entries of the unconflicted state by which those are authorised (not in v2.1);
 * 5. the chain of power levels, as far down as the remaining events reach;
 * 6. entries of the unconflicted state at keys that only the auth difference brought up.
 */
export function* resolve(conflict: Conflict, known: Known, version: RoomVersion): Generator<Need, GraphEvent[], void> {
  return version.stateRes === 'v1'
    ? yield* resolveV1(conflict, known, version)
    : yield* resolveV2(conflict, known, version)
}
