import { forbidden } from '../matrix/errors.ts'
import type { RoomId, UserId } from '../matrix/ids.ts'
import type { Clock } from '../util/clock.ts'
import { ChangeIndex } from './change-index.ts'
import type { Hub } from './hub.ts'
import type { Appended } from './rooms/append.ts'
import type { LiveRoom } from './rooms/live-room.ts'
import type { LiveRooms } from './rooms/live-rooms.ts'
import type { Stream } from './stream.ts'

interface Deps {
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly hub: Hub
  readonly stream: Stream
}

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_TIMEOUT_MS = 120_000
/** Everybody who types is looked at, so not more often than this for those who stop one shortly after the other. */
const LOOK_EVERY_MS = 200

/** Told when a user begins, goes on or stops. */
export type TypingListener = (room: LiveRoom, userId: UserId, isTyping: boolean) => void

/**
 * Who is typing where. Memory only: what a restart loses is at most two minutes old. Its changes are counted by `n`
 * (the second number of sync tokens), which begins at the start of the process in microseconds, so that a token from
 * before is always older.
 */
export class Typing {
  readonly #deps: Deps
  readonly #until = new Map<RoomId, Map<UserId, number>>()
  readonly #ofRooms: ChangeIndex<RoomId>
  readonly #ofUsers: ChangeIndex<UserId>
  readonly #stop = new AbortController()
  readonly #start: number
  #n: number
  #loop: Promise<void> | undefined
  #rearm = new AbortController()
  /** When it will look again who has stopped. */
  #looksAt = 0
  readonly #listeners: TypingListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#start = deps.clock.now() * 1000
    this.#n = this.#start
    this.#ofRooms = new ChangeIndex(this.#start)
    this.#ofUsers = new ChangeIndex(this.#start)
  }

  /** How many changes there were. */
  get n(): number {
    return this.#n
  }

  onTyping(listener: TypingListener): void {
    this.#listeners.push(listener)
  }

  async set(userId: UserId, roomId: RoomId, typing: boolean, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    const room = await this.#deps.rooms.get(roomId)
    if (!room.localJoined.has(userId)) throw forbidden('You are not in this room')
    this.note(room, userId, typing, timeoutMs)
  }

  /** The same for a member of the room, of whatever server. */
  note(room: LiveRoom, userId: UserId, typing: boolean, timeoutMs = DEFAULT_TIMEOUT_MS): void {
    if (!typing) {
      this.stop(room, userId)
      return
    }
    const { roomId } = room
    const users = this.#until.get(roomId) ?? new Map<UserId, number>()
    const isNew = !users.has(userId)
    const until = this.#deps.clock.now() + Math.min(Math.max(timeoutMs, 0), MAX_TIMEOUT_MS)
    users.set(userId, until)
    this.#until.set(roomId, users)
    if (isNew) this.#announce(room)
    for (const listener of this.#listeners) listener(room, userId, true)
    this.#watch(until)
  }

  /** The user stopped, left the room, or sent what was being typed. */
  stop(room: LiveRoom, userId: UserId): void {
    const users = this.#until.get(room.roomId)
    if (!users?.delete(userId)) return
    if (users.size === 0) this.#until.delete(room.roomId)
    this.#announce(room)
    for (const listener of this.#listeners) listener(room, userId, false)
  }

  /** For `Append`: who leaves a room does not type there any more. */
  onAppended({ room, changes }: Appended): void {
    if (!this.#until.has(room.roomId)) return
    for (const { event } of changes) {
      if (event?.type === 'm.room.member' && event.membership !== 'join') this.stop(room, event.stateKey as UserId)
    }
  }

  /** Whether somebody began or stopped since, in any room of this user; false is certain. */
  mayConcern(userId: UserId, n: number): boolean {
    return n < this.#n && this.#ofUsers.mayHaveChanged(userId, n)
  }

  /** Who types in the room now, where that changed since; after a restart only where somebody does. */
  changedSince(roomId: RoomId, n: number): UserId[] | undefined {
    if (n >= this.#n || !this.#ofRooms.mayHaveChanged(roomId, n)) return undefined
    const users = this.#until.get(roomId)
    return users || n >= this.#start ? [...(users?.keys() ?? [])] : undefined
  }

  /** Who types in the room now. */
  usersIn(roomId: RoomId): UserId[] {
    return [...(this.#until.get(roomId)?.keys() ?? [])]
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#rearm.abort()
    await this.#loop
  }

  #announce(room: LiveRoom): void {
    const { hub, stream } = this.#deps
    this.#n++
    this.#ofRooms.note(room.roomId, this.#n)
    for (const userId of room.localJoined) this.#ofUsers.note(userId, this.#n)
    hub.publish(room.localJoined, stream.current)
  }

  /** Has one loop, not a timer for each user, end what nobody renews. */
  #watch(until: number): void {
    if (until + LOOK_EVERY_MS < this.#looksAt) {
      this.#rearm.abort()
      this.#rearm = new AbortController()
    }
    this.#loop ??= this.#expire().finally(() => {
      this.#loop = undefined
    })
  }

  async #expire(): Promise<void> {
    const { clock, rooms } = this.#deps
    while (this.#until.size > 0 && !this.#stop.signal.aborted) {
      const wait = this.#firstEnd() - clock.now()
      if (wait > 0) {
        const pause = Math.max(wait, LOOK_EVERY_MS)
        this.#looksAt = clock.now() + pause
        await clock.sleep(pause, this.#rearm.signal)
        continue
      }
      for (const [roomId, users] of [...this.#until]) {
        const ended = [...users].filter(([, until]) => until <= clock.now())
        if (ended.length === 0) continue
        const room = await rooms.get(roomId)
        for (const [userId, until] of ended) {
          // It may have been renewed while the room was loaded.
          if (users.get(userId) === until) this.stop(room, userId)
        }
      }
    }
  }

  #firstEnd(): number {
    let first = Number.POSITIVE_INFINITY
    for (const users of this.#until.values()) for (const until of users.values()) first = Math.min(first, until)
    return first
  }
}
