import { Heap } from '../../util/heap.ts'
import { membershipOf } from '../auth/fields.ts'
import type { RoomEvent } from '../event.ts'
import { type Level, PowerLevels } from '../power-levels.ts'
import type { RoomVersion } from '../versions.ts'
import type { GraphEvent, Known } from './known.ts'
import { compareLevels, compareTimes } from './order.ts'

/** An event that might take away someone's ability to do something in the room (rooms/v2: power events). */
function isPowerEvent({ pdu }: RoomEvent): boolean {
  if (pdu.type === 'm.room.power_levels' || pdu.type === 'm.room.join_rules') return pdu.state_key === ''
  if (pdu.type !== 'm.room.member' || pdu.sender === pdu.state_key) return false
  const membership = membershipOf(pdu)
  return membership === 'leave' || membership === 'ban'
}

/**
 * The power events of the full conflicted set and what is in their auth chains, as far as it is in the set.
 * NOTSPEC: chains are followed within the set only, as Synapse and others do. Since version 12 that is no difference.
 */
export function powerEvents(full: ReadonlyMap<number, GraphEvent>): GraphEvent[] {
  const chosen = new Set<GraphEvent>()
  const waiting = [...full.values()].filter(isPowerEvent)
  for (let event = waiting.pop(); event; event = waiting.pop()) {
    if (chosen.has(event)) continue
    chosen.add(event)
    for (const nid of event.authNids) {
      const auth = full.get(nid)
      if (auth) waiting.push(auth)
    }
  }
  return [...chosen]
}

interface Candidate {
  event: GraphEvent
  level: Level
}

/** Greater power first, then earlier, then the smaller event id. */
const compare = (one: Candidate, other: Candidate): number =>
  compareLevels(other.level, one.level) || compareTimes(one.event, other.event)

/**
 * Reverse topological power ordering (rooms/v2), by Kahn's algorithm: whatever an event cites comes before it, and of
 * all that could come next the smallest does. The auth events of all must be known in full.
 */
export function sortByPower(
  events: readonly GraphEvent[],
  create: RoomEvent,
  known: Known,
  version: RoomVersion,
): GraphEvent[] {
  const among = new Set(events.map(({ nid }) => nid))
  const citedBy = new Map<number, GraphEvent[]>()
  const uncounted = new Map<number, number>()
  const ready = new Heap<Candidate>(compare)
  const makeReady = (event: GraphEvent) => ready.push({ event, level: senderLevel(event, create, known, version) })

  for (const event of events) {
    const cited = new Set(event.authNids.filter((nid) => among.has(nid)))
    uncounted.set(event.nid, cited.size)
    for (const nid of cited) {
      const citing = citedBy.get(nid)
      if (citing) citing.push(event)
      else citedBy.set(nid, [event])
    }
    if (cited.size === 0) makeReady(event)
  }
  const sorted: GraphEvent[] = []
  for (let next = ready.pop(); next; next = ready.pop()) {
    sorted.push(next.event)
    for (const event of citedBy.get(next.event.nid) ?? []) {
      const left = (uncounted.get(event.nid) ?? 0) - 1
      uncounted.set(event.nid, left)
      if (left === 0) makeReady(event)
    }
  }
  return sorted
}

/** The power of the sender by the event's own auth events. */
function senderLevel(event: GraphEvent, create: RoomEvent, known: Known, version: RoomVersion): Level {
  return new PowerLevels(create, powerLevelsCitedBy(event, known), version).userLevel(event.pdu.sender)
}

/** The power levels among an event's auth events, which must be known in full. */
export function powerLevelsCitedBy(event: GraphEvent, known: Known): GraphEvent | undefined {
  for (const nid of event.authNids) {
    const auth = known.event(nid)
    if (auth.pdu.type === 'm.room.power_levels' && auth.pdu.state_key === '') return auth
  }
  return undefined
}
