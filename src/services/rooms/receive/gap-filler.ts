import type { Logger } from 'pino'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import { prevEventIds } from '../../../room/event.ts'
import { transact } from '../../../storage/db.ts'
import * as held from '../../../storage/federation/held-events.ts'
import { listEventStubs } from '../../../storage/rooms/events.ts'
import { backoffMs } from '../../../util/backoff.ts'
import type { Clock } from '../../../util/clock.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { StateView } from '../state/state-view.ts'
import { eventsOf } from './fetched.ts'
import { heldIncoming, type Incoming, type Parsed } from './incoming.ts'
import { type FetchDeps, fetchMissingAuth } from './missing-auth.ts'
import { receiveEvents } from './receive-events.ts'
import { stateAfterGap } from './state-at-gap.ts'

interface Deps extends FetchDeps {
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly log: Logger
  /** Told of what a server gave, before anything of it is believed. */
  onGiven(server: string, room: LiveRoom, events: readonly Parsed[]): Promise<void>
  /** Whether nothing is taken into the room. */
  isFrozen(roomId: RoomId): boolean
}

/** Held events of a room that are looked at together. */
const MAX_HELD = 500
const MAX_TIPS = 20
/** Events that one get_missing_events asks for, and how often it is asked: a longer gap stays open. */
const LIMIT = 20
const MAX_ROUNDS = 10
/** Open gaps over which one run steps. */
const MAX_GAPS = 10
/** Servers that are asked in one run. */
const MAX_SERVERS = 3
const FIRST_RETRY_MS = 10_000
const LONGEST_RETRY_MS = 3_600_000

/**
 * Completes events that wait for others (spec: server-server API, Retrieving missing events): first by the events
 * between them and what we have; where those do not reach down to us, by the state at the gap.
 */
export class GapFiller {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Does what can be done now for the held events of a room. */
  async fill(roomId: RoomId, signal: AbortSignal): Promise<void> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room || this.#deps.isFrozen(roomId)) return
    const rows = await held.listHeld(this.#deps.db, room.nid, MAX_HELD)
    const servers = this.#serversFor(room, rows)
    let waiting = rows.map((row) => heldIncoming(row.event_id, row.json, room.version))
    // Something may have come meanwhile.
    waiting = await this.#receive(room, waiting)
    for (const server of servers) {
      if (waiting.length === 0 || signal.aborted) break
      waiting = await this.#fillFrom(server, room, waiting, signal)
    }
    if (waiting.length === 0 || signal.aborted) return
    const ids = new Set(waiting.map(({ eventId }) => eventId))
    const attempts = Math.min(...rows.flatMap((row) => (ids.has(row.event_id) ? row.attempts : [])))
    const pause = backoffMs(attempts + 1, FIRST_RETRY_MS, LONGEST_RETRY_MS)
    const retryAt = this.#deps.clock.now() + pause
    await transact(this.#deps.db, (tx) => held.postponeHeld(tx, room.nid, [...ids], retryAt))
  }

  /** Who sent them first, then others who are in the room. */
  #serversFor(room: LiveRoom, rows: readonly { server: string }[]): string[] {
    const senders = rows.map(({ server }) => server).reverse()
    const all = new Set([...senders, ...room.servers.keys()])
    all.delete(this.#deps.serverName)
    return [...all].slice(0, MAX_SERVERS)
  }

  /** Takes what can be judged, and gives what still waits. */
  async #receive(
    room: LiveRoom,
    events: readonly Incoming[],
    gaps?: ReadonlyMap<string, StateView>,
  ): Promise<Incoming[]> {
    const outcomes = await receiveEvents(this.#deps, room.roomId, events, gaps ? { gaps } : {})
    const isWaiting = ({ eventId }: Incoming) => outcomes.get(eventId)?.is === 'missing'
    const done = events.filter((event) => !isWaiting(event)).map(({ eventId }) => eventId)
    if (done.length > 0) await transact(this.#deps.db, (tx) => held.deleteHeld(tx, room.nid, done))
    return events.filter(isWaiting)
  }

  async #fillFrom(
    server: string,
    room: LiveRoom,
    waiting: readonly Incoming[],
    signal: AbortSignal,
  ): Promise<Incoming[]> {
    const ours = new Set(waiting.map(({ eventId }) => eventId))
    const onlyOurs = (events: readonly Incoming[]) => events.filter(({ eventId }) => ours.has(eventId))
    try {
      const all = await this.#fetchBetween(server, room, waiting, signal)
      // The state at a gap mostly brings the auth events too.
      const first = await this.#stepOver(server, room, all, signal)
      await fetchMissingAuth(this.#deps, server, room, all, [], signal)
      let rest = await this.#receive(room, all, first)
      for (let step = 0; step < MAX_GAPS && rest.length > 0 && !signal.aborted; step++) {
        const gaps = await this.#stepOver(server, room, rest, signal)
        if (gaps.size === 0) break
        rest = await this.#receive(room, rest, gaps)
      }
      return onlyOurs(rest)
    } catch (error) {
      if (!(error instanceof RemoteFailure) && !(error instanceof MatrixError)) throw error
      this.#deps.log.info({ server, roomId: room.roomId, reason: error.message }, 'a gap could not be filled')
      return this.#receive(room, waiting)
    }
  }

  /** The waiting events with those between them and what we have, as far as the server gives them. */
  async #fetchBetween(
    server: string,
    room: LiveRoom,
    waiting: readonly Incoming[],
    signal: AbortSignal,
  ): Promise<Incoming[]> {
    const { client, signatures } = this.#deps
    const found = new Map(waiting.map((event) => [event.eventId, event]))
    const earliest = room.extremities.slice(-MAX_TIPS)
    const minDepth = Math.min(...earliest.map(({ row }) => row.depth))
    for (let round = 0; round < MAX_ROUNDS && !signal.aborted; round++) {
      const open = await this.#openEnds(found, round === 0)
      if (open.length === 0) break
      const given = await client.events.getMissingEvents(server, room.roomId, {
        earliest: earliest.map(({ eventId }) => eventId),
        latest: open,
        limit: LIMIT,
        minDepth,
      })
      const parsed = await eventsOf(room, given)
      // An event that nobody can read is missing for ever: to ask for the state at it would be in vain.
      if (parsed.length < given.length) throw new RemoteFailure(server, 'gave what is no event of the room')
      await this.#deps.onGiven(server, room, parsed)
      if (this.#deps.isFrozen(room.roomId)) throw new RemoteFailure(server, 'closed the room with what it gave')
      const checked = await signatures.check(parsed, room.version)
      const fresh = checked.filter((event) => typeof event !== 'string').filter(({ eventId }) => !found.has(eventId))
      for (const event of fresh) found.set(event.eventId, event)
      // Who gives fewer than it may has no more of them.
      if (fresh.length === 0 || given.length < LIMIT) break
    }
    return [...found.values()]
  }

  /** Where something is missing: the latest events above it at first, then those right above it. */
  async #openEnds(found: ReadonlyMap<string, Incoming>, isFirst: boolean): Promise<string[]> {
    const events = [...found.values()]
    const named = new Set(events.flatMap(({ pdu }) => prevEventIds(pdu)))
    const missing = await this.#notHere([...named].filter((id) => !found.has(id)))
    if (missing.size === 0) return []
    const ends = isFirst
      ? events.filter(({ eventId }) => !named.has(eventId))
      : events.filter(({ pdu }) => prevEventIds(pdu).some((id) => missing.has(id)))
    return ends.slice(-MAX_TIPS).map(({ eventId }) => eventId)
  }

  /** The states after what is missing directly below the earliest of these events. */
  async #stepOver(
    server: string,
    room: LiveRoom,
    waiting: readonly Incoming[],
    signal: AbortSignal,
  ): Promise<Map<string, StateView>> {
    const ids = new Set(waiting.map(({ eventId }) => eventId))
    const gaps = new Map<string, StateView>()
    const lowest = waiting.find(({ pdu }) => !prevEventIds(pdu).some((id) => ids.has(id)))
    if (!lowest) return gaps
    for (const id of await this.#notHere(prevEventIds(lowest.pdu))) {
      const view = await stateAfterGap(this.#deps, server, room, id, signal)
      if (!view) return new Map()
      gaps.set(id, view)
    }
    return gaps
  }

  /** Those that have no place in the room yet: outliers have none. */
  async #notHere(ids: readonly string[]): Promise<Set<string>> {
    const stubs = await listEventStubs(this.#deps.db, ids)
    const here = new Set(stubs.flatMap((stub) => (stub.state_nid === null ? [] : stub.event_id)))
    return new Set(ids.filter((id) => !here.has(id)))
  }
}
