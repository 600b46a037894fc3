import { type Db, transact } from '../../storage/db.ts'
import {
  listInvitesSince,
  listReadersSince,
  listRoomsWithNews,
  markBadgesDue,
  type NewPush,
  queuePushes,
} from '../../storage/push/push-queue.ts'
import { listArrived } from '../../storage/rooms/timeline.ts'
import { findSetting, upsertSetting } from '../../storage/settings.ts'
import type { Clock } from '../../util/clock.ts'
import { Turn } from '../../util/turn.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { Judge } from '../push-rules/judge.ts'
import type { Appended } from '../rooms/append.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Stream } from '../stream.ts'
import type { Badges } from './badges.ts'
import type { PusherUsers } from './pusher-users.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly stream: Stream
  readonly rooms: LiveRooms
  readonly judge: Judge
  readonly users: PusherUsers
  readonly badges: Badges
  /** Something waits for these pushers. */
  wake(pusherNids: Iterable<number>): void
  onFailure(error: unknown): void
}

const CURSOR = 'pushed_up_to'
const PAUSE_MS = 5_000
const PAGE = 500

/**
 * Puts what users are notified of into the queue, one batch at a time, after the events were written. How far it has
 * come is written with the queue, so that a restart goes on exactly there: nothing is left out, nothing comes twice.
 */
export class PushFeed {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  #waiting: { room: LiveRoom; event: StoredEvent }[] = []
  #readers = new Set<number>()
  /** Not even the beginning, so that it is written: without it a restart goes on at the end. */
  #saved = -1
  #isStarted = false
  #running: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Goes on where it ended, or where it was killed. */
  async start(): Promise<void> {
    const { db, stream, users } = this.#deps
    await users.load(db)
    const { current } = stream
    const cursor = Number((await findSetting(db, CURSOR)) ?? current)
    if (users.size > 0 && cursor < current) await this.#catchUp(cursor, current)
    this.#isStarted = true
    this.#work()
    await this.save()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.save()
  }

  /** For `Append`. */
  onAppended({ room, events, changes }: Appended): void {
    if (this.#deps.users.size === 0) return
    // Backfilled history is no news.
    for (const event of events) if (event.pos > 0) this.#add(room, event)
    // An invite to a room that we are not in stands outside the timeline.
    for (const { event } of changes) {
      if (event && !event.isTimeline && event.membership === 'invite') this.#waiting.push({ room, event })
    }
    this.#work()
  }

  /** For `Receipts` and `ThreadFollowing`: other events of the room are unread now. */
  onRecounted(userNid: number, roomNid: number): void {
    const { users, badges } = this.#deps
    if (!users.hasNid(userNid)) return
    badges.onChanged(userNid, roomNid)
    this.#readers.add(userNid)
    this.#work()
  }

  /** Writes how far it has come, so that after a crash there is little to look through again. */
  async save(): Promise<void> {
    const { current } = this.#deps.stream
    const isBehind = this.#waiting.length + this.#readers.size > 0 || this.#running !== undefined || !this.#isStarted
    if (isBehind || current === this.#saved) return
    await transact(this.#deps.db, (tx) => upsertSetting(tx, CURSOR, String(current)))
    this.#saved = current
  }

  /** Resolves when nothing is being queued: for tests. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #work(): void {
    if (!this.#isStarted || this.#stop.signal.aborted) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      // What came just as it ended.
      if (this.#waiting.length + this.#readers.size > 0) this.#work()
    })
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { clock, stream, onFailure } = this.#deps
    while (this.#waiting.length + this.#readers.size > 0 && !this.#stop.signal.aborted) {
      // Everything up to this position has been announced: it is in this batch, or was in an earlier one.
      const upTo = stream.current
      const [events, readers] = [this.#waiting, this.#readers]
      this.#waiting = []
      this.#readers = new Set()
      try {
        await this.#queue(events, readers, upTo)
      } catch (error) {
        onFailure(error)
        this.#waiting = [...events, ...this.#waiting]
        this.#readers = new Set([...readers, ...this.#readers])
        await clock.sleep(PAUSE_MS, this.#stop.signal)
      }
    }
  }

  async #queue(
    events: readonly { room: LiveRoom; event: StoredEvent }[],
    readers: ReadonlySet<number>,
    upTo: number,
  ): Promise<void> {
    const pushes: NewPush[] = []
    const turn = new Turn()
    for (const { room, event } of events) {
      for (const owner of this.#deps.users.concernedBy(room, event)) {
        this.#deps.badges.onChanged(owner.userNid, room.nid)
        const push = await this.#judge(room, event, owner)
        if (push) pushes.push(push)
        if (turn.isOver) await turn.give()
      }
    }
    if (pushes.length + readers.size === 0) return
    const woken = await transact(this.#deps.db, async (tx) => {
      const queued = await queuePushes(tx, pushes)
      for (const nid of await markBadgesDue(tx, [...readers])) queued.add(nid)
      await upsertSetting(tx, CURSOR, String(upTo))
      return queued
    })
    this.#saved = upTo
    this.#deps.wake(woken)
  }

  async #judge(room: LiveRoom, event: StoredEvent, owner: Owner): Promise<NewPush | undefined> {
    const { judge, stream } = this.#deps
    const outcome = await judge.judge(room, event, owner, await judge.rulesOf(owner.userNid))
    if (!outcome) return undefined
    const pos = event.pos > 0 ? event.pos : stream.current
    const actions = JSON.stringify(outcome.actions)
    return { userNid: owner.userNid, eventNid: event.nid, roomNid: room.nid, pos, actions }
  }

  #add(room: LiveRoom, event: StoredEvent): void {
    this.#waiting.push({ room, event })
    const sender = this.#deps.users.find(event.pdu.sender)
    // Who writes has read.
    if (sender) this.#readers.add(sender.userNid)
  }

  /** What was written, but not looked at before the process ended; room by room, because only rooms of users with pushers are. */
  async #catchUp(after: number, upTo: number): Promise<void> {
    const { db, rooms } = this.#deps
    for (const { room_nid: roomNid, room_id: roomId } of await listRoomsWithNews(db, after)) {
      const room = await rooms.find(roomId)
      if (!room) continue
      for (let from = after, isMore = true; isMore; ) {
        const rows = await listArrived(db, roomNid, from, upTo, PAGE)
        for (const row of rows) this.#add(room, new StoredEvent(row, room.roomId, room.version))
        from = rows.at(-1)?.pos ?? upTo
        isMore = rows.length === PAGE
      }
    }
    for (const userNid of await listReadersSince(db, after)) this.#readers.add(userNid)
    for (const row of await listInvitesSince(db, after, upTo)) {
      const room = await rooms.find(row.room_id)
      if (room) this.#waiting.push({ room, event: new StoredEvent(row, room.roomId, room.version) })
    }
  }
}
