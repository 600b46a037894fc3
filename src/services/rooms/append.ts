import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { forbidden } from '../../matrix/errors.ts'
import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { SigningKey } from '../../matrix/signing-key.ts'
import type { RoomVersion } from '../../room/versions.ts'
import { type Db, type Tx, transact } from '../../storage/db.ts'
import { ensureRoom, insertRoom } from '../../storage/rooms/rooms.ts'
import type { Clock } from '../../util/clock.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'
import { Chain } from './append/chain.ts'
import { loadKnown, NOTHING_KNOWN } from './append/known.ts'
import { RoomQueue } from './append/room-queue.ts'
import { WriteTogether } from './append/write-together.ts'
import type { Draft, SendRequest, Sent } from './draft.ts'
import { type Batch, isSent, keepsPlace, type StateEdit } from './entry.ts'
import type { LiveRoom } from './live-room.ts'
import type { LiveRooms } from './live-rooms.ts'
import { blankRoom } from './load-room.ts'
import { type Persisted, StaleRoom } from './persist/persist.ts'
import type { StoredEvent } from './stored-event.ts'

/** How often a batch is tried when other processes append to the same room. */
const MAX_ATTEMPTS = 10

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly stream: Stream
  readonly hub: Hub
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly signingKey: SigningKey
  random(bytes: number): Uint8Array
  readonly log: Logger
  /** Whether nothing of ours may go into the room, except that somebody leaves it. */
  isFrozen?(roomId: RoomId): boolean
  /** What else belongs to the transaction of a batch, found out under the room's lock; it runs last. */
  alongside?(room: RoomBefore, batch: Batch): Promise<((tx: Tx) => Promise<void>) | undefined>
  /** Sends to rooms that want somebody to be asked first; undefined: this is none. */
  askFirst?(roomId: RoomId, request: SendRequest): Promise<Sent | undefined>
}

/** A room as it is before a batch. */
export interface RoomBefore {
  readonly roomId: RoomId
  readonly localJoined: ReadonlySet<UserId>
}

/** What was appended to a room: timeline events and changes of the current state, in the order of positions. */
export interface Appended {
  room: LiveRoom
  events: readonly StoredEvent[]
  changes: readonly StateEdit[]
  /** Something has been queued for the other servers in the room. */
  isOutgoing: boolean
}

/** Told after the commit, before anybody is woken. It must not throw. */
export type AppendListener = (appended: Appended) => void

/**
 * The one door: every event of every room enters here. Whoever gets a room's lock appends all that wait for that room
 * as one chain in one transaction, and releases the lock once it is durable and announced: the next chain is built upon
 * what memory then holds. Under the lock nothing is awaited but queries.
 */
export class Append {
  readonly #deps: Deps
  readonly #writer: WriteTogether
  readonly #queue: RoomQueue<SendRequest, Sent>
  readonly #listeners: AppendListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#writer = new WriteTogether(deps)
    this.#queue = new RoomQueue((roomId, requests) => this.#sendTogether(roomId, requests))
  }

  onAppended(listener: AppendListener): void {
    this.#listeners.push(listener)
  }

  /** Sends one event. Resolves once it is durable and visible to `/sync`. */
  async send(roomId: RoomId, request: SendRequest): Promise<Sent> {
    if (this.#deps.isFrozen?.(roomId) && !isLeave(request.draft)) throw forbidden('This room is frozen')
    return (await this.#deps.askFirst?.(roomId, request)) ?? this.#queue.together(roomId, request)
  }

  /**
   * Appends what `compose` makes of the room as it stands under the lock: events of other servers, a resolved state.
   * `compose` awaits only queries, and is asked again when another process was faster. Undefined: nothing to write.
   */
  write(roomId: RoomId, compose: (room: LiveRoom) => Promise<Batch | undefined>): Promise<void> {
    return this.#queue.alone(roomId, () =>
      this.#whileCurrent(roomId, async (room) => {
        const batch = await compose(room)
        if (batch) await this.#commit(room, batch)
      }),
    )
  }

  /** Makes a room known that is elsewhere. Of which version it is, whoever invites to it may say what he likes. */
  learnOf(roomId: RoomId, version: RoomVersion): Promise<void> {
    const { db, rooms } = this.#deps
    return this.#queue.alone(roomId, async () => {
      await transact(db, (tx) => ensureRoom(tx, roomId, version.id))
      if (rooms.peek(roomId)?.version !== version) rooms.drop(roomId)
    })
  }

  /**
   * Makes a room of its first events (the create event leads), atomically: all of them or no room.
   * `alongside` writes what belongs to it (alias, directory) in the same transaction.
   */
  async createRoom(
    version: RoomVersion,
    chosenId: RoomId,
    drafts: readonly Draft[],
    alongside: (tx: Tx, room: { nid: number; roomId: RoomId }) => Promise<void> = async () => {},
  ): Promise<RoomId> {
    const { db, clock, rooms } = this.#deps
    const servers = new Map<string, number>()
    const start = { roomId: chosenId, version, stateNid: undefined, extremities: [], servers }
    const chain = new Chain(this.#deps, start, NOTHING_KNOWN, clock.now())
    for (const draft of drafts) chain.add({ draft })
    const { roomId } = chain
    const batch = chain.batch({ nid: 0, roomId, servers })
    const after = await this.#deps.alongside?.({ roomId, localJoined: new Set() }, batch)
    await this.#writer.write({
      batch,
      after,
      before: async (tx) => {
        batch.room.nid = await insertRoom(tx, roomId, version.id)
        await alongside(tx, batch.room)
      },
      announce: (persisted) => {
        const room = blankRoom(db, { ...batch.room, version })
        this.#announce(room, batch, persisted)
        rooms.add(room) // only now, so that memory counts it with all that is in it
      },
    })
    return roomId
  }

  #sendTogether(roomId: RoomId, requests: readonly SendRequest[]): Promise<(Sent | Error)[]> {
    const { db, clock } = this.#deps
    return this.#whileCurrent(roomId, async (room, isAgain) => {
      const known = await loadKnown(db, room, requests, isAgain)
      const chain = new Chain(this.#deps, room, known, clock.now())
      const events = requests.map((request) => attempt(() => chain.add(request)))
      if (chain.entries.length > 0) await this.#commit(room, chain.batch(room))
      return events.map((event) => (event instanceof Error ? event : { eventId: event.eventId, pos: event.pos }))
    })
  }

  /** Runs `work` on the room; again on a fresh copy when the tables turn out to hold something else. */
  async #whileCurrent<T>(roomId: RoomId, work: (room: LiveRoom, isAgain: boolean) => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await this.#deps.rooms.hold(roomId, (room) => work(room, attempts > 1))
      } catch (error) {
        if (!(error instanceof StaleRoom) || attempts === MAX_ATTEMPTS) throw error
        // What made it stale may not be readable yet: SQLite shows a group of commits only once all of it is durable.
        await sleep(attempts)
      }
    }
  }

  async #commit(room: LiveRoom, batch: Batch): Promise<void> {
    const { alongside } = this.#deps
    try {
      const after = alongside && (await alongside(room, batch))
      await this.#writer.write({ batch, after, announce: (persisted) => this.#announce(room, batch, persisted) })
    } catch (error) {
      // A failed commit may have happened all the same: memory no longer knows what the tables hold.
      this.#deps.rooms.drop(room.roomId)
      throw error
    }
  }

  #announce(room: LiveRoom, batch: Batch, persisted: Persisted): void {
    const { hub, serverName, log } = this.#deps
    const moved = room.apply(batch, persisted, serverName)
    // What memory keeps of events that were judged again, or of a room that is known otherwise now, no longer holds.
    if (isReloaded(batch)) this.#deps.rooms.drop(room.roomId)
    const appended: Appended = {
      room,
      events: batch.entries.flatMap((entry) => (entry.event.isTimeline && !keepsPlace(entry) ? entry.event : [])),
      changes: batch.changes.map(({ edit }) => edit),
      isOutgoing: batch.entries.some(isSent),
    }
    for (const listener of this.#listeners) {
      try {
        listener(appended)
      } catch (error) {
        log.error({ err: error, roomId: room.roomId }, 'A listener of appended events failed')
      }
    }
    if (persisted.lastPos === undefined) return
    hub.publish(moved.length === 0 ? room.localJoined : new Set([...room.localJoined, ...moved]), persisted.lastPos)
  }
}

const isLeave = ({ type, sender, stateKey, content }: Draft): boolean =>
  type === 'm.room.member' && sender === stateKey && content.membership === 'leave'

const isReloaded = ({ partial, entries }: Batch): boolean =>
  (partial !== undefined && partial.is !== 'grown') || entries.some(({ rejudged }) => rejudged)

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
