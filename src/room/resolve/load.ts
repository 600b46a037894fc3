import type { StateTuple } from '../auth-types.ts'
import type { GraphEvent, Known, Need } from './known.ts'

/** Asks for those of these events that are not known yet, and gives all of them, in order. */
export function* loadEvents(nids: Iterable<number>, known: Known): Generator<Need, GraphEvent[], void> {
  const wanted = [...new Set(nids)]
  const missing = wanted.filter((nid) => !known.hasEvent(nid))
  if (missing.length > 0) yield { kind: 'events', nids: missing }
  return wanted.map((nid) => known.event(nid))
}

/** Asks for these entries of the unconflicted state. */
export function* loadState(keys: Iterable<StateTuple>, known: Known): Generator<Need, void, void> {
  const missing = [...keys].filter(([type, stateKey]) => !known.hasState(type, stateKey))
  if (missing.length > 0) yield { kind: 'state', keys: missing }
}
