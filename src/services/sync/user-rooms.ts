import { LRUCache } from 'lru-cache'
import { notFound } from '../../matrix/errors.ts'
import { isUserId, type RoomId, type UserId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import { listRoomsOfUser } from '../../storage/rooms/memberships.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { Appended } from '../rooms/append.ts'
import type { Stream } from '../stream.ts'

/** How a user stands to a room. */
export interface RoomOfUser {
  readonly roomId: RoomId
  readonly roomNid: number
  readonly membership: string
  /** Position of the member event that says so. */
  readonly pos: number
  /** Where this membership began; a change of the profile moves `pos` only. */
  readonly sincePos: number
  readonly senderId: UserId | undefined
  readonly forgotten: boolean
}

export type RoomsOfUser = ReadonlyMap<RoomId, RoomOfUser>

interface Deps {
  db: Db
  stream: Stream
}

interface Known {
  rooms: Map<RoomId, RoomOfUser>
  /** Resolves once `rooms` holds what the table held; until then it holds later changes only. */
  ready: Promise<void> | undefined
}

/** Rooms of all users in memory, 250 bytes each; a user alone counts as ten. */
const MAX_ROOMS = 250_000
const USER_WEIGHT = 10

/**
 * The rooms of the users who sync. A change replaces the map, so that whoever took one keeps the rooms as they were at
 * that position.
 */
export class UserRooms {
  readonly #deps: Deps
  readonly #users: LRUCache<UserId, Known>

  constructor(deps: Deps, maxRooms = MAX_ROOMS) {
    this.#deps = deps
    this.#users = new LRUCache({ maxSize: maxRooms, sizeCalculation: ({ rooms }) => USER_WEIGHT + rooms.size })
  }

  /** The rooms as of `stream.current`; take the position right after, without awaiting anything in between. */
  of(owner: Owner): Awaitable<RoomsOfUser> {
    const known = this.#users.get(owner.userId)
    return known && known.ready === undefined ? known.rooms : this.#read(owner, known)
  }

  async #read(owner: Owner, begun: Known | undefined): Promise<RoomsOfUser> {
    let known = begun
    if (!known) {
      known = { rooms: new Map(), ready: undefined }
      this.#users.set(owner.userId, known)
      known.ready = this.#load(owner, known)
    }
    try {
      await known.ready
    } catch (error) {
      this.#users.delete(owner.userId)
      throw error
    }
    return known.rooms
  }

  /** The number of a room that the user is, was or may be in; `M_NOT_FOUND` for all others alike. */
  async nidOf(owner: Owner, roomId: RoomId): Promise<number> {
    const room = (await this.of(owner)).get(roomId)
    if (!room) throw notFound('You have nothing to do with this room')
    return room.roomNid
  }

  /** For `Append`: what changed in a room. */
  onAppended({ room, events, changes }: Appended): void {
    for (const { event, replaces } of changes) {
      const userId = (event ?? replaces)?.stateKey
      if ((event ?? replaces)?.type !== 'm.room.member' || !userId || !isUserId(userId)) continue
      const known = this.#users.peek(userId)
      if (!known) continue
      const before = known.rooms.get(room.roomId)
      known.rooms = new Map(known.rooms)
      const membership = event?.membership
      if (!event || membership === undefined) {
        known.rooms.delete(room.roomId)
        continue
      }
      // What a resolution brought back happens now, whenever it was sent.
      const pos = events.includes(event) ? event.pos : this.#deps.stream.current
      const sincePos = before?.membership === membership ? before.sincePos : pos
      const entry = { roomId: room.roomId, roomNid: room.nid, membership, pos, sincePos }
      known.rooms.set(room.roomId, { ...entry, senderId: event.sender, forgotten: false })
      if (!before) this.#weigh(userId, known)
    }
  }

  forget(userId: UserId, roomId: RoomId): void {
    const known = this.#users.peek(userId)
    const room = known?.rooms.get(roomId)
    if (known && room) known.rooms = new Map(known.rooms).set(roomId, { ...room, forgotten: true })
    // While the table is still being read there is nothing to mark; it is read again instead.
    else this.#users.delete(userId)
  }

  async #load(owner: Owner, known: Known): Promise<void> {
    const { db, stream } = this.#deps
    const rows = await listRoomsOfUser(db, owner.userNid)
    // PostgreSQL shows what another request committed a moment before it is announced here.
    const newest = rows.reduce((pos, row) => Math.max(pos, row.pos), 0)
    while (stream.current < newest) await new Promise((resolve) => setImmediate(resolve))
    const rooms = new Map<RoomId, RoomOfUser>()
    for (const row of rows) {
      const roomId = row.room_id
      rooms.set(roomId, {
        roomId,
        roomNid: row.room_nid,
        membership: row.membership,
        pos: row.pos,
        sincePos: row.since_pos,
        senderId: row.sender_id,
        forgotten: row.forgotten === 1,
      })
    }
    // Announced while the table was read: newer, or the same.
    for (const [roomId, entry] of known.rooms) {
      const loaded = rooms.get(roomId)
      const sincePos = loaded?.membership === entry.membership ? loaded.sincePos : entry.sincePos
      rooms.set(roomId, { ...entry, sincePos })
    }
    known.rooms = rooms
    known.ready = undefined
    this.#weigh(owner.userId, known)
  }

  /** Has the cache count the rooms that the user has now; setting the same again would not weigh it again. */
  #weigh(userId: UserId, known: Known): void {
    if (this.#users.peek(userId) !== known) return
    this.#users.delete(userId)
    this.#users.set(userId, known)
  }
}
