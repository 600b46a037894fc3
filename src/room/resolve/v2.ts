import { authTypesFor, type StateTuple } from '../auth-types.ts'
import { isState } from '../event.ts'
import { stateKeyOf } from '../state-key.ts'
import type { RoomVersion } from '../versions.ts'
import { authDifference } from './auth-difference.ts'
import type { Conflict } from './conflict.ts'
import { applyAllowed, PartialState } from './iterate.ts'
import type { GraphEvent, Known, Need } from './known.ts'
import { loadEvents, loadState } from './load.ts'
import { sortByMainline } from './mainline.ts'
import { powerEvents, sortByPower } from './power-sort.ts'
import { conflictedSubgraph } from './subgraph.ts'

/** State resolution of versions 2 to 11 (v2) and of version 12 (v2.1); the steps are those of the specification. */
export function* resolveV2(
  { forks, create }: Conflict,
  known: Known,
  version: RoomVersion,
): Generator<Need, GraphEvent[], void> {
  const conflicted = new Set(forks.flat())
  const startsEmpty = version.stateRes === 'v2.1'
  const full = yield* fullConflictedSet(forks, conflicted, known, startsEmpty)
  yield* loadEvents(
    [...full.values()].flatMap(({ authNids }) => authNids),
    known,
  )
  const conflictedKeys = keysOf([...conflicted].map((nid) => known.event(nid)))

  // Step 1.
  const powerful = sortByPower(powerEvents(full), create, known, version)
  // Step 2.
  if (!startsEmpty) yield* loadState(unconflictedKeysFor(full.values(), conflictedKeys, version), known)
  const state = startsEmpty ? new PartialState() : new PartialState((type, key) => known.state(type, key))
  applyAllowed(powerful, state, create, known, version)
  // Step 3.
  const taken = new Set(powerful)
  const rest = [...full.values()].filter((event) => !taken.has(event))
  const sorted = yield* sortByMainline(rest, state.get('m.room.power_levels', ''), known)
  // Step 4.
  applyAllowed(sorted, state, create, known, version)
  // Step 5.
  return yield* withoutUnconflicted(state.decided(), conflictedKeys, known)
}

function* fullConflictedSet(
  forks: readonly (readonly number[])[],
  conflicted: ReadonlySet<number>,
  known: Known,
  withSubgraph: boolean,
): Generator<Need, Map<number, GraphEvent>, void> {
  const difference = yield* authDifference(forks, known)
  const subgraph = withSubgraph ? yield* conflictedSubgraph(conflicted, known) : []
  const events = yield* loadEvents([...conflicted, ...difference, ...subgraph], known)
  return new Map(events.map((event) => [event.nid, event]))
}

const keysOf = (events: readonly GraphEvent[]): Set<string> =>
  new Set(events.map(({ pdu }) => stateKeyOf(pdu.type, pdu.state_key ?? '')))

/** The entries of the unconflicted state that decide on these events. */
function unconflictedKeysFor(
  events: Iterable<GraphEvent>,
  conflictedKeys: ReadonlySet<string>,
  version: RoomVersion,
): Iterable<StateTuple> {
  const keys = new Map<string, StateTuple>()
  // The mainline starts from the power levels whatever the events ask for.
  const add = (tuple: StateTuple) => {
    const key = stateKeyOf(...tuple)
    if (!conflictedKeys.has(key)) keys.set(key, tuple)
  }
  add(['m.room.create', ''])
  add(['m.room.power_levels', ''])
  for (const { pdu } of events) for (const tuple of authTypesFor(pdu, version)) add(tuple)
  return keys.values()
}

/** Drops what was decided where the forks agree. At a key that no fork has, an event of the auth difference may stay. */
function* withoutUnconflicted(
  decided: readonly GraphEvent[],
  conflictedKeys: ReadonlySet<string>,
  known: Known,
): Generator<Need, GraphEvent[], void> {
  const further: StateTuple[] = []
  const isConflicted = (type: string, stateKey: string) => conflictedKeys.has(stateKeyOf(type, stateKey))
  for (const { pdu } of decided) {
    if (isState(pdu) && !isConflicted(pdu.type, pdu.state_key)) further.push([pdu.type, pdu.state_key])
  }
  yield* loadState(further, known)
  return decided.filter(
    ({ pdu }) => isState(pdu) && (isConflicted(pdu.type, pdu.state_key) || !known.state(pdu.type, pdu.state_key)),
  )
}
