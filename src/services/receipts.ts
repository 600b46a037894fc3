import { forbidden, invalidParam, notFound } from '../matrix/errors.ts'
import type { EventId, RoomId, UserId } from '../matrix/ids.ts'
import { type Db, transact } from '../storage/db.ts'
import * as store from '../storage/receipts.ts'
import { findEvent } from '../storage/rooms/events.ts'
import type { Awaitable } from '../util/awaitable.ts'
import type { Clock } from '../util/clock.ts'
import type { AccountData, Owner } from './account-data/account-data.ts'
import { ChangeIndex } from './change-index.ts'
import type { Hub } from './hub.ts'
import { type ReadMarks, ReadMarksOfUsers } from './read-marks.ts'
import type { LiveRoom } from './rooms/live-room.ts'
import type { LiveRooms } from './rooms/live-rooms.ts'
import { StoredEvent } from './rooms/stored-event.ts'
import type { Viewer } from './rooms/view/viewer.ts'
import type { Visibility } from './rooms/view/visibility.ts'
import type { Stream } from './stream.ts'

export const RECEIPT_TYPES = ['m.read', 'm.read.private', 'm.fully_read'] as const
export type ReceiptType = (typeof RECEIPT_TYPES)[number]

/**
 * Threads with receipts, of one user in all: memory has all of them, and clients may call threads what they like. The
 * oldest receipts go first, as many at a time as fill the rest.
 */
const MAX_THREADED = 10_000
const KEPT_THREADED = 9_000
/** Receipts of a room that one answer lists; the newest are the ones that matter. */
const MAX_SHOWN = 1_000
const FULLY_READ = 'm.fully_read'
/** Where an event is that is not here. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly stream: Stream
  readonly hub: Hub
  readonly rooms: LiveRooms
  readonly accountData: AccountData
  readonly visibility: Pick<Visibility, 'visibleEvents'>
}

export type ReadListener = (userNid: number, roomNid: number) => void
/** A receipt that everybody may see. `thread`: `main` or its root; undefined: all threads. */
export type ReceiptListener = (
  room: LiveRoom,
  receipt: { roomId: RoomId; userId: UserId; eventId: string; ts: number; thread: string | undefined },
) => void

/** A public receipt of another server's user. */
export interface RemoteReceipt {
  /** Whatever it says: the event may not be here. */
  readonly eventId: string
  /** As in `set`. */
  readonly thread: string
  readonly ts: number
}

/** Who has read what: public, private and threaded receipts, and the fully read marker (spec: Receipts). */
export class Receipts {
  /** When the receipts of a room last changed. */
  readonly changes: ChangeIndex<number>
  readonly #deps: Deps
  readonly #marks: ReadMarksOfUsers
  readonly #listeners: ReadListener[] = []
  readonly #receiptListeners: ReceiptListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#marks = new ReadMarksOfUsers(deps.db)
    this.changes = new ChangeIndex(deps.stream.current)
  }

  /** Told when a user has read further in a room. */
  onRead(listener: ReadListener): void {
    this.#listeners.push(listener)
  }

  onReceipt(listener: ReceiptListener): void {
    this.#receiptListeners.push(listener)
  }

  /**
   * Marks everything up to the event as read; `M_NOT_FOUND` where the user may not see it. `thread`: '' for all threads, `main`, or the thread's root.
   * NOTSPEC: that the event belongs to the thread is not checked; clients mark a thread with events that merely relate
   * to its root, and a mark in the wrong thread misleads nobody but its owner.
   */
  async set(owner: Viewer, roomId: RoomId, type: ReceiptType, eventId: EventId, thread = ''): Promise<void> {
    const room = await this.#joinedRoom(owner, roomId)
    const eventPos = await this.#visiblePos(owner, room, eventId)
    if (type === FULLY_READ) {
      if (thread !== '') throw invalidParam('A fully read marker has no thread')
      return this.#setFullyRead(owner, room, eventId, eventPos)
    }
    if (thread !== '' && (await this.#marks.threaded(owner.userNid)) >= MAX_THREADED) {
      await transact(this.#deps.db, (tx) => store.trimThreadedReceipts(tx, owner.userNid, KEPT_THREADED))
      this.#marks.forget(owner.userNid)
    }
    await this.#write(owner, room, { type, eventId, thread, eventPos, ts: this.#deps.clock.now() })
  }

  /** Only forward, like receipts. */
  async #setFullyRead(owner: Owner, room: LiveRoom, eventId: EventId, eventPos: number): Promise<void> {
    const { accountData } = this.#deps
    const before = (await accountData.find(owner.userNid, room.nid, FULLY_READ))?.event_id
    const beforePos = typeof before === 'string' ? (await this.#find(room, before))?.pos : undefined
    if (beforePos !== undefined && beforePos >= eventPos) return
    await accountData.update(owner, room.nid, FULLY_READ, () => ({ event_id: eventId }))
  }

  /**
   * What another server says that its user has read. One for an event that is not here gives way to any other: the event
   * may be from before we came into the room, or on its way.
   */
  async receive(owner: Owner, room: LiveRoom, { eventId, thread, ts }: RemoteReceipt): Promise<void> {
    const eventPos = (await this.#find(room, eventId))?.pos ?? BEFORE_ALL
    await this.#write(owner, room, { type: 'm.read', eventId, thread, eventPos, ts })
  }

  async #write(
    owner: Owner,
    room: LiveRoom,
    { type, eventId, thread, eventPos, ts }: RemoteReceipt & { type: ReceiptType; eventPos: number },
  ): Promise<void> {
    const { stream, hub } = this.#deps
    const { roomId } = room
    await stream.write(async (tx, take) => {
      const { pos } = await take(1)
      const row = { room_nid: room.nid, user_nid: owner.userNid, type, thread, event_id: eventId }
      const hasMoved = await store.upsertReceipt(tx, { ...row, event_pos: eventPos, ts, pos })
      if (!hasMoved) return { value: undefined }
      return {
        value: undefined,
        announce: () => {
          this.changes.note(room.nid, pos)
          this.#marks.note(owner.userNid, { ...row, event_pos: eventPos })
          for (const listener of this.#listeners) listener(owner.userNid, room.nid)
          hub.publish(type === 'm.read' ? room.localJoined : [owner.userId], pos)
          if (type !== 'm.read') return
          const shown = { roomId, userId: owner.userId, eventId, ts, thread: thread === '' ? undefined : thread }
          for (const listener of this.#receiptListeners) listener(room, shown)
        },
      }
    })
  }

  /** How far the user has read in a room. */
  marksIn(userNid: number, roomNid: number): Awaitable<ReadMarks> {
    return this.#marks.in(userNid, roomNid)
  }

  /** The `m.receipt` event of what changed in (`after`, `upTo`], as JSON text; undefined when nothing did. */
  changedIn(roomNid: number, userNid: number, after: number, upTo: number): Awaitable<string | undefined> {
    return after > 0 && !this.changes.mayHaveChanged(roomNid, after)
      ? undefined
      : this.#newIn(roomNid, userNid, after, upTo)
  }

  async #newIn(roomNid: number, userNid: number, after: number, upTo: number): Promise<string | undefined> {
    const rows = await store.listReceipts(this.#deps.db, roomNid, userNid, after, upTo, MAX_SHOWN)
    return rows.length === 0 ? undefined : receiptEvent(rows)
  }

  /**
   * The `m.receipt` event of the receipts at these events, of the user's own, and of what changed in (`after`, `upTo`];
   * undefined when there are none.
   */
  async of(
    roomNid: number,
    userNid: number,
    eventIds: readonly string[],
    upTo: number,
    after = upTo,
  ): Promise<string | undefined> {
    const { db } = this.#deps
    const rows = await store.listReceiptsAt(db, roomNid, userNid, eventIds, upTo, MAX_SHOWN)
    const changed = this.changes.mayHaveChanged(roomNid, after)
      ? await store.listReceipts(db, roomNid, userNid, after, upTo, MAX_SHOWN)
      : []
    return rows.length + changed.length === 0 ? undefined : receiptEvent([...rows, ...changed])
  }

  async #joinedRoom(owner: Owner, roomId: RoomId): Promise<LiveRoom> {
    const room = await this.#deps.rooms.get(roomId)
    if (!room.localJoined.has(owner.userId)) throw forbidden('You are not in this room')
    return room
  }

  /** An event of an ignored user may be the last one that a client has. */
  async #visiblePos(viewer: Viewer, room: LiveRoom, eventId: string): Promise<number> {
    const found = await this.#find(room, eventId)
    const [event] = found ? await this.#deps.visibility.visibleEvents(room, [found], viewer, 'prune') : []
    if (!event) throw notFound('No such event in this room')
    return event.pos
  }

  async #find(room: LiveRoom, eventId: string): Promise<StoredEvent | undefined> {
    const known = room.tail.events.findLast((event) => event.eventId === eventId)
    if (known) return known
    const row = await findEvent(this.#deps.db, eventId)
    if (!row || row.room_nid !== room.nid || row.pos === null) return undefined
    return new StoredEvent(row, room.roomId, room.version)
  }
}

/**
 * One event for all receipts. Where one user has several receipts of a type at one event, the one without a thread is
 * shown: it says more (MSC4102).
 */
function receiptEvent(rows: readonly store.ShownReceipt[]): string {
  const content = new Map<string, Map<string, Map<string, store.ShownReceipt>>>()
  for (const row of rows) {
    const ofEvent = content.get(row.event_id) ?? new Map<string, Map<string, store.ShownReceipt>>()
    content.set(row.event_id, ofEvent)
    const ofType = ofEvent.get(row.type) ?? new Map<string, store.ShownReceipt>()
    ofEvent.set(row.type, ofType)
    const shown = ofType.get(row.user_id)
    if (!shown || row.thread === '') ofType.set(row.user_id, row)
  }
  const users = (receipts: Map<string, store.ShownReceipt>) =>
    objectText(receipts, ({ ts, thread }) => JSON.stringify(thread === '' ? { ts } : { ts, thread_id: thread }))
  return `{"type":"m.receipt","content":${objectText(content, (types) => objectText(types, users))}}`
}

const objectText = <Value>(entries: ReadonlyMap<string, Value>, text: (value: Value) => string): string =>
  `{${[...entries].map(([key, value]) => `${JSON.stringify(key)}:${text(value)}`).join(',')}}`
