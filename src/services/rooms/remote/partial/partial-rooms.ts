import type { Logger } from 'pino'
import { MatrixError } from '../../../../matrix/errors.ts'
import type { RoomId } from '../../../../matrix/ids.ts'
import { transact } from '../../../../storage/db.ts'
import { findPartialRoom, listPartialRooms, postponePartialRoom } from '../../../../storage/federation/partial-rooms.ts'
import { eventsByNid } from '../../../../storage/rooms/events.ts'
import { backoffMs } from '../../../../util/backoff.ts'
import type { Clock } from '../../../../util/clock.ts'
import { Slots } from '../../../../util/slots.ts'
import type { Appended } from '../../append.ts'
import { askableServers } from '../../askable-servers.ts'
import type { LiveRoom } from '../../live-room.ts'
import type { LiveRooms } from '../../live-rooms.ts'
import type { FetchDeps } from '../../receive/missing-auth.ts'
import { StoredEvent } from '../../stored-event.ts'
import { completeRoom } from './complete-room.ts'
import { fetchBefore } from './fetch-before.ts'
import { growState } from './grow-state.ts'
import { JudgedEvents } from './judged-events.ts'
import { rejudge } from './rejudge.ts'

interface Deps extends FetchDeps {
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly log: Logger
  mayFederate(serverName: string): boolean
}

interface Running {
  readonly work: Promise<void>
  readonly abort: AbortController
  /** Nobody of ours is in the room. */
  readonly isLeft: boolean
}

/** Told of a room of which all members are known now, and where in our stream it was joined. */
export type WholeListener = (roomNid: number, joinPos: number) => Promise<void>

/** Rooms that are completed at a time. */
const MAX_ROOMS = 2
/** Servers that are asked for the state in one attempt. */
const MAX_SERVERS = 10
const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 300_000
/** Attempts, some two hours of them, before a room that nobody here is in any more is given up. */
const MAX_ATTEMPTS_OUTSIDE = 30
/** How long a client that asks for members is kept waiting. */
const PATIENCE_MS = 60_000

/**
 * Rooms that were joined without most of their members (MSC3902), until those are known: their state is fetched, and what
 * has come in meanwhile is judged again. The table is the list of what is to be done, so that a restart loses nothing.
 */
export class PartialRooms {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  readonly #slots = new Slots(MAX_ROOMS)
  readonly #running = new Map<RoomId, Running>()
  readonly #waiting = new Map<RoomId, Set<() => void>>()
  readonly #listeners: WholeListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  onWhole(listener: WholeListener): void {
    this.#listeners.push(listener)
  }

  async start(): Promise<void> {
    const { db, rooms } = this.#deps
    for (const { room_id: roomId } of await listPartialRooms(db)) {
      const room = await rooms.find(roomId)
      if (room) this.#run(room.roomId, room.localJoined.size === 0)
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const { abort } of this.#running.values()) abort.abort()
    await Promise.all([...this.#running.values()].map(({ work }) => work))
  }

  /** Resolves once all members of the room are known, or nobody here is in it; false when that takes too long. */
  async whole(roomId: RoomId, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const room = await this.#deps.rooms.find(roomId)
      if (!room?.isPartial || room.localJoined.size === 0) return true
      const remainingMs = deadline - performance.now()
      if (remainingMs <= 0 || this.#stop.signal.aborted) return false
      await this.#change(roomId, remainingMs)
    }
  }

  /** The same for who asks for members: throws when it takes too long. */
  async untilWhole(roomId: RoomId): Promise<void> {
    if (await this.whole(roomId, PATIENCE_MS)) return
    throw new MatrixError('M_UNKNOWN', 'The members of this room are not known here yet', { status: 504 })
  }

  /**
   * For `Append`: our users come and go. A room is completed also when the last of them has left: what happened while they
   * were there is judged for good, they may be back soon, and others may ask us for it. A server may still be told of what
   * came before it left; one that does not say so is asked again more and more seldom.
   */
  onAppended({ room, changes }: Appended): void {
    const isOurs = changes.some(({ event, replaces }) => (event ?? replaces)?.type === 'm.room.member')
    if (!room.isPartial || !isOurs) return
    const isLeft = room.localJoined.size === 0
    if (this.#running.get(room.roomId)?.isLeft !== isLeft) this.#run(room.roomId, isLeft, true)
  }

  /** A room has just been joined without its members. */
  onJoined(roomId: RoomId): void {
    this.#run(roomId, false)
  }

  /** `isAnew`: at once, as if nobody had been asked yet; otherwise when the table says. */
  #run(roomId: RoomId, isLeft: boolean, isAnew = false): void {
    if (this.#stop.signal.aborted) return
    const before = this.#running.get(roomId)
    before?.abort.abort()
    const abort = new AbortController()
    const work = this.#attend(roomId, before?.work, isAnew, abort.signal).finally(() => {
      if (this.#running.get(roomId)?.abort === abort) this.#running.delete(roomId)
      this.#notify(roomId)
    })
    this.#running.set(roomId, { work, abort, isLeft })
    this.#notify(roomId)
  }

  /** Never rejects. */
  async #attend(
    roomId: RoomId,
    before: Promise<void> | undefined,
    isAnew: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { db, clock, log } = this.#deps
    await before
    let isBegun = !isAnew
    while (!signal.aborted) {
      try {
        const room = await this.#deps.rooms.find(roomId)
        if (room && !isBegun) await this.#postpone(room, 0, clock.now())
        isBegun = true
        const row = room && (await findPartialRoom(db, room.nid))
        if (!room || !row) return
        const pause = row.retry_at - clock.now()
        if (pause > 0) await clock.sleep(pause, signal)
        else if (room.localJoined.size === 0 && row.attempts >= MAX_ATTEMPTS_OUTSIDE) return await this.#abandon(room)
        else if (await this.#slots.run(() => this.#complete(room, row.join_nid, signal))) return
        else if (!signal.aborted) await this.#retryLater(room, row.attempts + 1)
      } catch (err) {
        if (signal.aborted) return
        log.error({ err, roomId }, 'completing a room failed')
        await clock.sleep(LONGEST_RETRY_MS, signal)
      }
    }
  }

  /** Whether the room is whole. */
  async #complete(room: LiveRoom, joinNid: number, signal: AbortSignal): Promise<boolean> {
    const { db, log } = this.#deps
    const { roomId } = room
    const started = performance.now()
    const [row] = await eventsByNid(db, [joinNid])
    if (!row) throw new Error('There is no join')
    const join = new StoredEvent(row, roomId, room.version)
    const before = await fetchBefore(this.#deps, await this.#serversFor(room), room, join, signal)
    if (!before) return false
    await growState(this.#deps, room, joinNid, before.stubs, signal)
    const deps = { ...this.#deps, server: before.server }
    const judged = new JudgedEvents()
    let count = 0
    do {
      count += await rejudge(deps, room, joinNid, judged, signal)
      if (signal.aborted) return false
    } while (!(await completeRoom(deps, roomId, joinNid, judged)))
    for (const listener of this.#listeners) await listener(room.nid, join.pos)
    const took = Math.round(performance.now() - started)
    log.info({ roomId, server: before.server, state: before.stubs.length, events: count, took }, 'completed a room')
    return true
  }

  /** Who let us in first, then others who are in the room. */
  async #serversFor(room: LiveRoom): Promise<string[]> {
    const row = await findPartialRoom(this.#deps.db, room.nid)
    return askableServers(this.#deps, [...(row ? [row.via] : []), ...room.servers.keys()], MAX_SERVERS)
  }

  async #retryLater(room: LiveRoom, attempts: number): Promise<void> {
    const { clock, log } = this.#deps
    const pause = backoffMs(attempts, FIRST_RETRY_MS, LONGEST_RETRY_MS)
    log.warn({ roomId: room.roomId, attempts, pause }, 'nobody tells the state of a room yet')
    await this.#postpone(room, attempts, clock.now() + pause)
  }

  async #postpone({ nid }: LiveRoom, attempts: number, retryAt: number): Promise<void> {
    await transact(this.#deps.db, (tx) => postponePartialRoom(tx, nid, attempts, retryAt))
  }

  async #abandon(room: LiveRoom): Promise<void> {
    await this.#deps.append.write(room.roomId, async (live) => {
      if (!live.isPartial || live.localJoined.size > 0) return undefined
      const nothing = { removed: [], added: [] }
      return {
        room: live,
        entries: [],
        state: undefined,
        changes: [],
        extremities: nothing,
        partial: { is: 'abandoned' },
      }
    })
  }

  #change(roomId: RoomId, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(roomId) ?? new Set()
      this.#waiting.set(roomId, waiting)
      const done = () => {
        clearTimeout(timer)
        waiting.delete(done)
        if (waiting.size === 0 && this.#waiting.get(roomId) === waiting) this.#waiting.delete(roomId)
        resolve()
      }
      waiting.add(done)
      const timer = setTimeout(done, timeoutMs)
    })
  }

  #notify(roomId: RoomId): void {
    for (const done of this.#waiting.get(roomId) ?? []) done()
  }
}
