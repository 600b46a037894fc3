import { LRUCache } from 'lru-cache'
import { forbidden, MatrixError } from '../../matrix/errors.ts'
import type { RoomId } from '../../matrix/ids.ts'
import { roomVersion } from '../../room/versions.ts'
import type { Db } from '../../storage/db.ts'
import * as rooms from '../../storage/rooms.ts'
import { LiveRoom } from './live-room.ts'

const MAX_ROOMS = 3_000

/** The active rooms: bounded, loaded on demand, never twice at once. */
export class LiveRooms {
  readonly #db: Db
  readonly #rooms = new LRUCache<string, LiveRoom>({ max: MAX_ROOMS })
  readonly #loading = new Map<string, Promise<LiveRoom | undefined>>()
  // Rooms under their lock: they may fall out of the LRU, but there is never a second copy of one.
  readonly #pinned = new Map<string, { room: LiveRoom; holders: number }>()

  constructor(db: Db) {
    this.#db = db
  }

  /** The room, or undefined when this server does not know it. */
  async find(roomId: string): Promise<LiveRoom | undefined> {
    const known = this.peek(roomId)
    if (known) return known
    let loading = this.#loading.get(roomId)
    if (!loading) {
      loading = this.#load(roomId).finally(() => this.#loading.delete(roomId))
      this.#loading.set(roomId, loading)
    }
    return loading
  }

  /** The room, or `M_FORBIDDEN`: an unknown room and one that the user may not see look the same. */
  async get(roomId: string): Promise<LiveRoom> {
    const room = this.peek(roomId) ?? (await this.find(roomId))
    if (!room) throw forbidden('You are not in this room')
    return room
  }

  peek(roomId: string): LiveRoom | undefined {
    return this.#pinned.get(roomId)?.room ?? this.#rooms.get(roomId)
  }

  /** A room that was just created. */
  add(room: LiveRoom): void {
    this.#rooms.set(room.roomId, room)
  }

  /** Forgets the memory of a room, for instance after a failed write. */
  drop(roomId: RoomId): void {
    this.#rooms.delete(roomId)
  }

  pin(room: LiveRoom): void {
    const pinned = this.#pinned.get(room.roomId)
    if (pinned) pinned.holders++
    else this.#pinned.set(room.roomId, { room, holders: 1 })
  }

  unpin(room: LiveRoom): void {
    const pinned = this.#pinned.get(room.roomId)
    if (pinned && --pinned.holders === 0) this.#pinned.delete(room.roomId)
  }

  get size(): number {
    return this.#rooms.size
  }

  async #load(roomId: string): Promise<LiveRoom | undefined> {
    const row = await rooms.findRoom(this.#db, roomId)
    if (!row) return undefined
    const version = roomVersion(row.version)
    if (!version) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `Room version ${row.version} is not supported`)
    const room = await LiveRoom.load(this.#db, row, version)
    this.#rooms.set(roomId, room)
    return room
  }
}
