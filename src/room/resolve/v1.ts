import { hash } from 'node:crypto'
import { authorize } from '../auth/authorize.ts'
import { authTypesFor, type StateTuple } from '../auth-types.ts'
import { isState } from '../event.ts'
import { integerOf } from '../power-levels.ts'
import { stateKeyOf } from '../state-key.ts'
import type { RoomVersion } from '../versions.ts'
import type { Conflict } from './conflict.ts'
import { PartialState } from './iterate.ts'
import type { GraphEvent, Known, Need } from './known.ts'
import { loadEvents, loadState } from './load.ts'
import { compareLevels } from './order.ts'

/** State resolution of version 1 (rooms/v1). */
export function* resolveV1(
  { forks }: Conflict,
  known: Known,
  version: RoomVersion,
): Generator<Need, GraphEvent[], void> {
  const events = yield* loadEvents(forks.flat(), known)
  const candidates = byKey(events)
  yield* loadState(unconflictedKeysFor(events, candidates, version), known)
  const state = new PartialState((type, stateKey) => known.state(type, stateKey))
  // An entry that some forks lack is no conflict here as long as the others agree.
  for (const [only, other] of candidates.values()) if (only && !other) state.set(only)
  const conflicts = [...candidates.values()].filter((rivals) => rivals.length > 1)
  const ofType = (type: string) => conflicts.filter(([rival]) => rival?.pdu.type === type)

  for (const type of AUTH_TYPES) {
    // A pass sees what the passes before it have decided, not what it decides itself: the order of keys is no matter.
    const chosen = ofType(type).map((rivals) => lastAllowed(rivals, state, version))
    for (const event of chosen) if (event) state.set(event)
  }
  const others = conflicts.filter(([rival]) => !AUTH_TYPES.includes(rival?.pdu.type ?? ''))
  const chosen = others.map((rivals) => firstAllowed(rivals, state, version))
  for (const event of chosen) if (event) state.set(event)
  return state.decided()
}

const AUTH_TYPES = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member']

function byKey(events: readonly GraphEvent[]): Map<string, GraphEvent[]> {
  const found = new Map<string, GraphEvent[]>()
  for (const event of events) {
    const key = stateKeyOf(event.pdu.type, event.pdu.state_key ?? '')
    const rivals = found.get(key)
    if (rivals) rivals.push(event)
    else found.set(key, [event])
  }
  return found
}

function* unconflictedKeysFor(
  events: readonly GraphEvent[],
  conflicted: ReadonlyMap<string, unknown>,
  version: RoomVersion,
): Generator<StateTuple, void, void> {
  const asked = new Set<string>()
  for (const { pdu } of events) {
    for (const tuple of authTypesFor(pdu, version)) {
      const key = stateKeyOf(...tuple)
      if (conflicted.has(key) || asked.has(key)) continue
      asked.add(key)
      yield tuple
    }
  }
}

/** Ascending depth, then descending SHA-1 of the event id. */
function sortByDepth(events: readonly GraphEvent[]): GraphEvent[] {
  const sha1 = new Map(events.map((event) => [event, hash('sha1', event.eventId, 'hex')]))
  const shaOf = (event: GraphEvent) => sha1.get(event) ?? ''
  return events.toSorted(
    (one, other) =>
      compareLevels(integerOf(one.pdu.depth) ?? 0, integerOf(other.pdu.depth) ?? 0) ||
      (shaOf(one) < shaOf(other) ? 1 : -1),
  )
}

/** The first event, then each next one as long as the one before allows it. */
function lastAllowed(rivals: readonly GraphEvent[], state: PartialState, version: RoomVersion): GraphEvent | undefined {
  const [first, ...rest] = sortByDepth(rivals)
  let chosen = first
  for (const event of rest) {
    const before = chosen
    const isAllowed =
      authorize(
        event,
        (type, key) =>
          before && isState(before.pdu) && before.pdu.type === type && before.pdu.state_key === key
            ? before
            : state.get(type, key),
        version,
      ) === undefined
    if (!isAllowed) break
    chosen = event
  }
  return chosen
}

/** The deepest event that the state allows; if there is none the least deep one, as with Synapse. */
function firstAllowed(
  rivals: readonly GraphEvent[],
  state: PartialState,
  version: RoomVersion,
): GraphEvent | undefined {
  const sorted = sortByDepth(rivals)
  const lookup = (type: string, key: string) => state.get(type, key)
  return sorted.findLast((event) => authorize(event, lookup, version) === undefined) ?? sorted[0]
}
