import type { Logger } from 'pino'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import { type RoomId, serverOf } from '../../../matrix/ids.ts'
import { depthOf, prevEventIds } from '../../../room/event.ts'
import { transact } from '../../../storage/db.ts'
import * as held from '../../../storage/federation/held-events.ts'
import { findFirstDepth } from '../../../storage/rooms/timeline.ts'
import { backoffMs } from '../../../util/backoff.ts'
import type { Clock } from '../../../util/clock.ts'
import { lruCache } from '../../../util/lru.ts'
import { askableServers } from '../askable-servers.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { PolicyServers } from '../policy/policy-server.ts'
import { eventsOf } from './fetched.ts'
import { heldIncoming, type Incoming, type Parsed } from './incoming.ts'
import { type FetchDeps, fetchMissingAuth } from './missing-auth.ts'
import { notHere, OpenGaps } from './open-gaps.ts'
import { receiveEvents } from './receive-events.ts'

interface Deps extends FetchDeps {
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly log: Logger
  /** What the room's policy server says of them, however they come in. */
  readonly policyServers: Pick<PolicyServers, 'check'>
  mayFederate(serverName: string): boolean
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
/** Servers that are asked in one run. */
const MAX_SERVERS = 3
const FIRST_RETRY_MS = 10_000
const LONGEST_RETRY_MS = 3_600_000
/**
 * Whatever else comes into a room, nobody is asked again sooner than after so long for an event that nobody could complete:
 * in a busy room it would be every second.
 */
const LONGEST_PAUSE_MS = 60_000
const MAX_PAUSES = 10_000

/**
 * Completes events that wait for others (spec: server-server API, Retrieving missing events): first by the events
 * between them and what we have; where those do not reach down to us, by the state at the gap.
 */
export class GapFiller {
  readonly #deps: Deps
  /** Until when nobody is asked for what an event waits for, by the event's id. */
  readonly #pauses = lruCache<string, number>(MAX_PAUSES)
  /** When a server was asked last for what a room lacks, by the room's number and the server. */
  readonly #asked = lruCache<string, number>(MAX_PAUSES)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Does what can be done now for the held events of a room. */
  async fill(roomId: RoomId, signal: AbortSignal): Promise<void> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room || this.#deps.isFrozen(roomId)) return
    const rows = await held.listHeld(this.#deps.db, room.nid, MAX_HELD)
    const sentBy = new Map(rows.map((row) => [row.event_id, row.server]))
    const gaps = new OpenGaps(this.#deps, room)
    let waiting = rows.map((row) => heldIncoming(row.event_id, row.json, room.version)).reverse()
    // Something may have come meanwhile.
    waiting = await this.#receive(room, waiting, gaps)
    const isDue = waiting.some(({ eventId }) => (this.#pauses.get(eventId) ?? 0) <= this.#deps.clock.now())
    for (const server of isDue ? this.#serversFor(room, waiting, sentBy) : []) {
      if (waiting.length === 0 || signal.aborted) break
      this.#asked.set(`${room.nid} ${server}`, this.#deps.clock.now())
      // The last ones are looked at first: whoever sent or made an event mostly knows what is before it.
      const closeness = ({ eventId, pdu }: Incoming) =>
        sentBy.get(eventId) === server ? 2 : Number(serverOf(pdu.sender) === server)
      const ownLast = waiting.toSorted((one, other) => closeness(one) - closeness(other))
      waiting = await this.#fillFrom(server, room, ownLast, gaps, signal)
    }
    if (waiting.length === 0 || signal.aborted) return
    const ids = new Set(waiting.map(({ eventId }) => eventId))
    const attempts = Math.min(...rows.flatMap((row) => (ids.has(row.event_id) ? row.attempts : [])))
    const pause = backoffMs(attempts + 1, FIRST_RETRY_MS, LONGEST_RETRY_MS)
    const now = this.#deps.clock.now()
    if (isDue) for (const id of ids) this.#pauses.set(id, now + Math.min(pause, LONGEST_PAUSE_MS))
    await transact(this.#deps.db, (tx) => held.postponeHeld(tx, room.nid, [...ids], now + pause))
  }

  /**
   * Who made or sent them first, the last ones first, then others who are in the room. Of those who were asked before, however
   * much they send, the one whose turn is the longest ago.
   */
  #serversFor(room: LiveRoom, waiting: readonly Incoming[], sentBy: ReadonlyMap<string, string>): string[] {
    const senders = waiting
      .toReversed()
      .flatMap(({ eventId, pdu }) => [serverOf(pdu.sender), sentBy.get(eventId) ?? ''])
    const inTurn = [...new Set(senders)].toSorted(
      (one, other) => this.#lastAsked(room, one) - this.#lastAsked(room, other),
    )
    return askableServers(this.#deps, [...inTurn, ...room.servers.keys()], MAX_SERVERS)
  }

  #lastAsked({ nid }: LiveRoom, server: string): number {
    return this.#asked.get(`${nid} ${server}`) ?? 0
  }

  /** Takes what can be judged, and gives what still waits. */
  async #receive(room: LiveRoom, given: readonly Incoming[], gaps: OpenGaps): Promise<Incoming[]> {
    const { events, unwanted } = await this.#deps.policyServers.check(room, given)
    const outcomes = await receiveEvents(this.#deps, room.roomId, events, { gaps: gaps.views, unwanted })
    const doubted = [...outcomes.values()].flatMap((outcome) => (outcome.is === 'missing' ? outcome.prev : []))
    gaps.doubt(doubted)
    const isWaiting = ({ eventId }: Incoming) => outcomes.get(eventId)?.is === 'missing'
    const done = events.filter((event) => !isWaiting(event)).map(({ eventId }) => eventId)
    if (done.length > 0) await transact(this.#deps.db, (tx) => held.deleteHeld(tx, room.nid, done))
    return events.filter(isWaiting)
  }

  async #fillFrom(
    server: string,
    room: LiveRoom,
    waiting: readonly Incoming[],
    gaps: OpenGaps,
    signal: AbortSignal,
  ): Promise<Incoming[]> {
    const ours = new Set(waiting.map(({ eventId }) => eventId))
    const onlyOurs = (events: readonly Incoming[]) => events.filter(({ eventId }) => ours.has(eventId))
    try {
      let rest = await this.#fetchBetween(server, room, waiting, signal)
      const asked = new Set<string>()
      // The state at a gap mostly brings the auth events too.
      await gaps.stepOver(server, rest, asked, signal)
      await fetchMissingAuth(this.#deps, server, room, rest, [], signal)
      rest = await this.#receive(room, rest, gaps)
      while (
        (await gaps.stepOver(server, rest, asked, signal)) ||
        (await gaps.stepOverWaiting(server, rest, asked, signal))
      ) {
        rest = await this.#receive(room, rest, gaps)
      }
      return onlyOurs(rest)
    } catch (error) {
      if (!(error instanceof RemoteFailure) && !(error instanceof MatrixError)) throw error
      this.#deps.log.info({ server, roomId: room.roomId, reason: error.message }, 'a gap could not be filled')
      return this.#receive(room, waiting, gaps)
    }
  }

  /** The waiting events with those between them and what we have, as far as the server gives them. */
  async #fetchBetween(
    server: string,
    room: LiveRoom,
    waiting: readonly Incoming[],
    signal: AbortSignal,
  ): Promise<Incoming[]> {
    const { db, serverName, client, signatures } = this.#deps
    const found = new Map(waiting.map((event) => [event.eventId, event]))
    const earliest = room.extremities.slice(-MAX_TIPS)
    // Not that of the ends: where both sides went on, what is missing may be less deep than they are.
    const minDepth = await findFirstDepth(db, room.nid, serverName)
    for (let round = 0; round < MAX_ROUNDS && !signal.aborted; round++) {
      const open = await this.#openEnds(room, found, round === 0)
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
      const unknown = await notHere(
        this.#deps,
        room,
        parsed.map(({ eventId }) => eventId).filter((id) => !found.has(id)),
      )
      // Who knows none of our ends goes back to the beginning, and many ask nobody how deep. That is the past, and no news.
      const between = parsed.filter(({ eventId, pdu }) => unknown.has(eventId) && depthOf(pdu) >= minDepth)
      await this.#deps.onGiven(server, room, between)
      if (this.#deps.isFrozen(room.roomId)) throw new RemoteFailure(server, 'closed the room with what it gave')
      const checked = await signatures.check(between, room.version)
      const fresh = checked.filter((event) => typeof event !== 'string')
      for (const event of fresh) found.set(event.eventId, event)
      // Who gives fewer than it may has no more of them.
      if (fresh.length === 0 || given.length < LIMIT) break
    }
    return [...found.values()]
  }

  /** Where something is missing: the latest events above it at first, then those right above it. */
  async #openEnds(room: LiveRoom, found: ReadonlyMap<string, Incoming>, isFirst: boolean): Promise<string[]> {
    const events = [...found.values()]
    const named = new Set(events.flatMap(({ pdu }) => prevEventIds(pdu)))
    const missing = await notHere(
      this.#deps,
      room,
      [...named].filter((id) => !found.has(id)),
    )
    if (missing.size === 0) return []
    const ends = isFirst
      ? events.filter(({ eventId }) => !named.has(eventId))
      : events.filter(({ pdu }) => prevEventIds(pdu).some((id) => missing.has(id)))
    return ends.slice(-MAX_TIPS).map(({ eventId }) => eventId)
  }
}
