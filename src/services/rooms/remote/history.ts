import type { Logger } from 'pino'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import { type EventId, type RoomId, serverOf } from '../../../matrix/ids.ts'
import { prevEventIds } from '../../../room/event.ts'
import { listEventStubs } from '../../../storage/rooms/events.ts'
import { hasMissing, listGapsBelow } from '../../../storage/rooms/missing-events.ts'
import { listBefore, type RoomPlace } from '../../../storage/rooms/timeline.ts'
import type { Clock } from '../../../util/clock.ts'
import { lruCache } from '../../../util/lru.ts'
import { askableServers } from '../askable-servers.ts'
import type { LiveRoom } from '../live-room.ts'
import { nothingOf, signedEventsOf } from '../receive/fetched.ts'
import type { Incoming } from '../receive/incoming.ts'
import { type FetchDeps, fetchMissingAuth } from '../receive/missing-auth.ts'
import { notHere } from '../receive/open-gaps.ts'
import { receiveEvents } from '../receive/receive-events.ts'
import { wholeStateAt } from '../receive/state-at-gap.ts'
import { topological } from '../receive/topological.ts'
import { type StateView, storedView } from '../state/state-view.ts'

interface Deps extends FetchDeps {
  readonly clock: Clock
  readonly serverName: string
  readonly log: Logger
  mayFederate(serverName: string): boolean
  /** Whether nothing is taken into the room. */
  isFrozen(roomId: RoomId): boolean
  /** Resolves once all members of the room are known; false when that takes longer. */
  whole(roomId: RoomId, timeoutMs: number): Promise<boolean>
}

/** Events that are fetched at a time. */
const LIMIT = 100
/** How often one reader has the past fetched further. */
const MAX_ROUNDS = 3
/** Servers that are asked for one piece of the past: whoever came late has nothing of what was before, and says so at once. */
const MAX_SERVERS = 10
/** Events of one piece at which the state is asked for: each begins a branch of its own. */
const MAX_STARTS = 10
const MAX_GAPS = 20
/** How long a reader waits for a room that was just joined: without its members its past would be all guesses. */
const PATIENCE_MS = 10_000
/** How long a reader waits for one piece, whoever does not answer. */
const FILL_PATIENCE_MS = 15_000
/** What nobody could give is not asked for again so soon. */
const PAUSE_MS = 60_000
const MAX_PAUSES = 10_000
const NEVER = new AbortController().signal

/** The past of rooms, fetched from other servers as readers get to it (spec: server-server API, Backfilling). */
export class History {
  readonly #deps: Deps
  readonly #running = new Map<number, Promise<unknown>>()
  readonly #pauses = lruCache<string, number>(MAX_PAUSES)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Fetches what is missing of the `limit` events before a place, as far as others give it. Resolves to the place of the
   * next gap, for the reader to stop at and to ask again from: those before it may still come. Undefined where there is
   * none, and where nobody had what is missing a moment ago. That place is always before the one given, so that whoever
   * asks again and again comes to an end, whatever other servers give.
   */
  async reach(room: LiveRoom, place: RoomPlace, limit: number): Promise<RoomPlace | undefined> {
    const { db, whole } = this.#deps
    const rounds = room.isPartial && !(await whole(room.roomId, PATIENCE_MS)) ? 0 : MAX_ROUNDS
    for (let round = 0; await hasMissing(db, room.nid); round++) {
      const page = await listBefore(db, room.nid, place, limit)
      const floor = page.length < limit ? 0 : (page.at(-1)?.depth ?? 0)
      const gaps = await listGapsBelow(db, room.nid, place.depth, MAX_GAPS)
      const open = gaps.filter((gap) => !this.#isPaused(gap.event_id))
      const near = open.filter((gap) => gap.depth >= floor)
      if (round === rounds || near.length === 0) {
        const next = open.find(({ depth, pos }) => depth < place.depth || pos < place.pos)
        return next && { depth: next.depth, pos: next.pos - 1 }
      }
      const filling = this.#alone(room, () =>
        this.#fill(
          room,
          near.map((gap) => gap.event_id),
          near.flatMap((gap) => gap.senders.map(serverOf)),
        ),
      )
      // What comes later is there for who asks again.
      if (!(await this.#inTime(filling))) round = rounds - 1
    }
    return undefined
  }

  /**
   * Fetches an event that is not here, with some of what is before it, where something of the room's past is missing. Not in
   * a room that was just joined: its members are needed first, and whoever asks may ask again.
   */
  async seek(room: LiveRoom, eventId: EventId): Promise<void> {
    if (room.isPartial || this.#isPaused(eventId) || !(await hasMissing(this.#deps.db, room.nid))) return
    await this.#inTime(this.#alone(room, () => this.#fill(room, [eventId])))
  }

  /** Fetches an event, with some of what is before it, that one of these servers named. */
  async fetch(room: LiveRoom, servers: readonly string[], eventId: string): Promise<void> {
    await this.#alone(room, async () => {
      for (const server of servers) if (await this.#fillFrom(server, room, [eventId])) return
    })
  }

  /**
   * The servers of a room that may know more of it than we do, as far as they are there: those of `first` first, then the one
   * that made the room.
   */
  async serversOf(room: LiveRoom, first: readonly string[] = []): Promise<string[]> {
    if (this.#deps.isFrozen(room.roomId)) return []
    const create = await room.stateEvent('m.room.create', '')
    const likely = [...first, ...(create ? [serverOf(create.pdu.sender)] : [])]
    const there = likely.filter((name) => room.servers.has(name))
    return askableServers(this.#deps, [...there, ...room.servers.keys()], MAX_SERVERS)
  }

  /** False where it takes longer than a reader waits: it goes on all the same. */
  async #inTime(work: Promise<void>): Promise<boolean> {
    const over = new AbortController()
    const late = this.#deps.clock.sleep(FILL_PATIENCE_MS, over.signal).then(() => false)
    try {
      return await Promise.race([work.then(() => true), late])
    } finally {
      over.abort()
    }
  }

  /** One at a time for each room: whoever waits finds what the other has fetched. */
  async #alone(room: LiveRoom, work: () => Promise<void>): Promise<void> {
    for (let other = this.#running.get(room.nid); other; other = this.#running.get(room.nid)) await other
    const running = work()
    const settled = running.catch(() => {})
    this.#running.set(room.nid, settled)
    try {
      await running
    } finally {
      this.#running.delete(room.nid)
    }
  }

  /** `senders`: the servers whose users sent these events and what follows them; those mostly have them. */
  async #fill(room: LiveRoom, ids: readonly string[], senders: readonly string[] = []): Promise<void> {
    for (const server of await this.serversOf(room, senders)) if (await this.#fillFrom(server, room, ids)) return
    for (const id of ids) this.#pauses.set(id, this.#deps.clock.now() + PAUSE_MS)
  }

  #isPaused(id: string): boolean {
    return (this.#pauses.get(id) ?? 0) > this.#deps.clock.now()
  }

  /** Whether the server gave anything that is of use. */
  async #fillFrom(server: string, room: LiveRoom, ids: readonly string[]): Promise<boolean> {
    const { client, signatures, log } = this.#deps
    try {
      const given = await client.events.backfill(server, room.roomId, ids, LIMIT)
      const events = await this.#fresh(upTo(ids, await signedEventsOf(signatures, room, given)))
      if (events.length === 0) return false
      await fetchMissingAuth(this.#deps, server, room, events, [], NEVER)
      const befores = await this.#befores(server, room, events)
      const outcomes = await receiveEvents(this.#deps, room.roomId, events, { befores, isHistory: true })
      return [...outcomes.values()].some(({ is }) => is === 'accepted')
    } catch (error) {
      if (!(error instanceof RemoteFailure) && !(error instanceof MatrixError)) throw error
      log.info({ server, roomId: room.roomId, reason: error.message }, 'the past of a room could not be fetched')
      return false
    }
  }

  /** Those that have no place here yet, earliest first. */
  async #fresh(events: readonly Incoming[]): Promise<Incoming[]> {
    const stubs = await listEventStubs(
      this.#deps.db,
      events.map(({ eventId }) => eventId),
    )
    const placed = new Set(stubs.flatMap((stub) => (stub.state_nid === null ? [] : stub.event_id)))
    return topological(
      events.filter(({ eventId }) => !placed.has(eventId)),
      prevEventIds,
    )
  }

  /**
   * The states before those events that follow what is not here. Where the server does not tell one of them, the state is
   * asked for at what follows the event instead: so it keeps none of the others away.
   */
  async #befores(server: string, room: LiveRoom, events: readonly Incoming[]): Promise<Map<string, StateView>> {
    const given = new Set(events.map(({ eventId }) => eventId))
    const previous = [...new Set(events.flatMap(({ pdu }) => prevEventIds(pdu)))]
    const unknown = await notHere(
      this.#deps,
      room,
      previous.filter((id) => !given.has(id)),
    )
    const befores = new Map<string, StateView>()
    let asked = 0
    for (const { eventId, pdu } of events) {
      if (pdu.prev_events.length === 0) befores.set(eventId, storedView(undefined))
      if (!prevEventIds(pdu).some((id) => unknown.has(id)) || asked++ >= MAX_STARTS) continue
      const view = await wholeStateAt(this.#deps, server, room, eventId, 'before', NEVER).catch(nothingOf)
      if (view) befores.set(eventId, view)
      else unknown.add(eventId)
    }
    return befores
  }
}

/** Those of the events that are named, and what they follow. Any other is no past of theirs: it may be about to come in. */
function upTo(ids: readonly string[], events: readonly Incoming[]): Incoming[] {
  const byId = new Map(events.map((event) => [event.eventId, event]))
  const found = new Set<Incoming>()
  const waiting = [...ids]
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const event = byId.get(id)
    if (!event || found.has(event)) continue
    found.add(event)
    waiting.push(...prevEventIds(event.pdu))
  }
  return events.filter((event) => found.has(event))
}
