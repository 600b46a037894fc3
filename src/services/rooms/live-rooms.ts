import { LRUCache } from 'lru-cache'
import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { isRoomId, type RoomId } from '../../matrix/ids.ts'
import { roomVersion } from '../../room/versions.ts'
import type { Db } from '../../storage/db.ts'
import * as rooms from '../../storage/rooms/rooms.ts'
import type { LiveRoom } from './live-room.ts'
import { loadRoom } from './load-room.ts'

const MAX_BYTES = 40 * 1024 * 1024
/** A room that has grown by this factor is weighed anew. */
const GROWTH = 1.3

/** The active rooms: bounded, loaded on demand, never twice at once. */
export class LiveRooms {
  readonly #db: Db
  readonly #rooms: LRUCache<string, LiveRoom>
  readonly #loading = new Map<string, Promise<LiveRoom | undefined>>()
  // Rooms being written to: they may fall out of the cache, but there is never a second copy of one.
  readonly #held = new Map<string, LiveRoom>()
  readonly #weights = new WeakMap<LiveRoom, number>()

  constructor(db: Db, maxBytes = MAX_BYTES) {
    this.#db = db
    this.#rooms = new LRUCache<string, LiveRoom>({ maxSize: maxBytes })
  }

  /** The room, or undefined when this server does not know it. */
  async find(roomId: string): Promise<LiveRoom | undefined> {
    const known = this.peek(roomId)
    if (known) return known
    let loading = this.#loading.get(roomId)
    if (!loading) {
      loading = this.#load(roomId).then((room) => {
        // Unless somebody has written to the room meanwhile: then this is a picture of the past.
        if (this.#loading.get(roomId) === loading) {
          this.#loading.delete(roomId)
          if (room) this.#keep(room)
        }
        return room
      })
      loading.catch(() => this.#loading.delete(roomId))
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

  /** The room if it is in memory. */
  peek(roomId: string): LiveRoom | undefined {
    const held = this.#held.get(roomId)
    if (held) return held
    const room = this.#rooms.get(roomId)
    if (room) this.#keep(room)
    return room
  }

  /** A room that was just created. */
  add(room: LiveRoom): void {
    this.#loading.delete(room.roomId)
    this.#keep(room)
  }

  /**
   * Runs `work`, which writes to the room, with the one copy that memory keeps. One at a time for each room: `Append`
   * sees to that.
   */
  async hold<T>(roomId: RoomId, work: (room: LiveRoom) => Promise<T>): Promise<T> {
    const room = await this.get(roomId)
    this.#held.set(roomId, room)
    try {
      return await work(room)
    } finally {
      if (this.#held.delete(roomId)) this.#keep(room)
      this.#loading.delete(roomId)
    }
  }

  /** Forgets a room of which nobody knows what the tables hold, because a write to it has failed. */
  drop(roomId: RoomId): void {
    this.#rooms.delete(roomId)
    this.#held.delete(roomId)
    this.#loading.delete(roomId)
  }

  get size(): number {
    return this.#rooms.size
  }

  #keep(room: LiveRoom): void {
    const { roomId, weight } = room
    if (this.#rooms.get(roomId) === room) {
      if (weight <= (this.#weights.get(room) ?? 0) * GROWTH) return
      // Setting the same room again would not weigh it again.
      this.#rooms.delete(roomId)
    }
    this.#weights.set(room, weight)
    this.#rooms.set(roomId, room, { size: weight })
  }

  async #load(roomId: string): Promise<LiveRoom | undefined> {
    // Events may name any room: one that is to follow, one whose members may join. PostgreSQL takes no NUL.
    const row = isRoomId(roomId) ? await rooms.findRoom(this.#db, roomId) : undefined
    if (!row) return undefined
    const version = roomVersion(row.version)
    if (!version) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `Room version ${row.version} is not supported`)
    return loadRoom(this.#db, row, version)
  }
}
