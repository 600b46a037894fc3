import type { RoomEvent } from '../../src/room/event.ts'
import type { Conflict } from '../../src/room/resolve/conflict.ts'
import { type AuthNode, type GraphEvent, Known, type Need } from '../../src/room/resolve/known.ts'
import { resolve } from '../../src/room/resolve/resolve.ts'
import { split } from '../../src/room/resolve/split.ts'
import { stateKeyOf } from '../../src/room/state-key.ts'
import type { RoomVersion } from '../../src/room/versions.ts'

interface Memory<E extends GraphEvent> {
  /** Every event of the room at the index that is its nid. */
  events: readonly E[]
  create: RoomEvent
  version: RoomVersion
  /** Told of every need, to see what a resolution touches. */
  onNeed?: (need: Need) => void
}

/** Resolves states that are in memory as a whole, through the protocol of `resolve`. */
export function resolveInMemory<E extends GraphEvent>(
  states: readonly ReadonlyMap<string, E>[],
  { events, create, version, onNeed }: Memory<E>,
): Map<string, E> {
  const forks = split(states).map((fork) => fork.map(({ nid }) => nid))
  const conflicted = new Set(forks.flat())
  const unconflicted = new Map([...(states[0] ?? [])].filter(([, { nid }]) => !conflicted.has(nid)))
  const resolved = new Map(unconflicted)
  const source = { events, unconflicted, unconflictedNids: new Set([...unconflicted.values()].map(({ nid }) => nid)) }
  for (const { nid, pdu } of resolveForks({ forks, create }, source, version, onNeed)) {
    const event = events[nid]
    if (event) resolved.set(stateKeyOf(pdu.type, pdu.state_key ?? ''), event)
  }
  return resolved
}

interface Source {
  events: readonly GraphEvent[]
  unconflicted: ReadonlyMap<string, GraphEvent>
  unconflictedNids: ReadonlySet<number>
}

/** The same where the conflict is known already: answers each need from memory. */
export function resolveForks(
  conflict: Conflict,
  { events, unconflicted, unconflictedNids }: Source,
  version: RoomVersion,
  onNeed?: (need: Need) => void,
): GraphEvent[] {
  const known = new Known()
  const eventAt = (nid: number): GraphEvent => {
    const event = events[nid]
    if (!event) throw new Error(`There is no event ${nid}`)
    return event
  }
  const nodeAt = (nid: number): AuthNode => {
    const { authNids, authRank } = eventAt(nid)
    return { nid, authNids, authRank, isUnconflicted: unconflictedNids.has(nid) }
  }
  const load = (need: Need): void => {
    onNeed?.(need)
    if (need.kind === 'nodes') known.addNodes(need.nids.map(nodeAt))
    else if (need.kind === 'events') known.addEvents(need.nids.map(eventAt))
    else if (need.kind === 'unconflicted') {
      known.addUnconflicted([...unconflictedNids].filter((nid) => nid > need.aboveNid).map(nodeAt))
    } else {
      for (const [type, key] of need.keys) known.addState(type, key, unconflicted.get(stateKeyOf(type, key)))
    }
  }

  const resolution = resolve(conflict, known, version)
  let step = resolution.next()
  for (; !step.done; step = resolution.next()) load(step.value)
  return step.value
}
