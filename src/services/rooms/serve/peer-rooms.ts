import { forbidden, type MatrixError, notFound } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import { mayTakePart } from '../../../room/server-acl.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, eventsById, findEvent } from '../../../storage/rooms/events.ts'
import { findRoomByNid } from '../../../storage/rooms/rooms.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import { StoredEvent } from '../stored-event.ts'
import { whileThere } from './former-servers.ts'

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
  /** Whether nothing is taken into the room. */
  isFrozen(roomId: RoomId): boolean
}

/** Whether the room's access control list lets a server take part in it. */
export async function isAdmitted(room: LiveRoom, server: string): Promise<boolean> {
  return mayTakePart(server, (await room.stateEvent('m.room.server_acl', ''))?.visible.content)
}

/** Which rooms and events another server may ask about. Rooms that it is not in do not exist for it, but for its own past. */
export class PeerRooms {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The same, of which we know all members, so that we can tell who may join or knock, and what there is to join. */
  async joinable(server: string, roomId: string): Promise<LiveRoom> {
    const room = await this.admitting(server, roomId)
    if (room.isPartial) throw notFound('We do not know all members of this room yet')
    return room
  }

  /** A room that we are in and that does not shut the server out: what one needs for leaving it. */
  async admitting(server: string, roomId: string): Promise<LiveRoom> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room || room.localJoined.size === 0 || this.#deps.isFrozen(room.roomId)) throw notFound('No such room')
    if (!(await isAdmitted(room, server))) throw notAdmitted()
    return room
  }

  /** A room that the server is in. */
  async room(server: string, roomId: string): Promise<LiveRoom> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room?.servers.has(server)) throw notThere()
    if (!(await isAdmitted(room, server))) throw notAdmitted()
    return room
  }

  /** A room that the server is in, or was when one of these events came, and those of them that it may ask about. */
  async roomAt(
    server: string,
    roomId: string,
    eventIds: readonly string[],
  ): Promise<{ room: LiveRoom; ids: string[] }> {
    const { db, rooms } = this.#deps
    const room = await rooms.find(roomId)
    if (!room || room.servers.has(server)) return { room: await this.room(server, roomId), ids: [...eventIds] }
    const rows = (await eventsById(db, eventIds)).filter((row) => row.room_nid === room.nid)
    const events = rows.map((row) => new StoredEvent(row, room.roomId, room.version))
    const past = events.filter(await whileThere(db, room, server))
    if (past.length === 0) throw notThere()
    if (!(await isAdmitted(room, server))) throw notAdmitted()
    return { room, ids: past.map(({ eventId }) => eventId) }
  }

  /** An event of a room that the server is in, or was when the event came; not one that was rejected. */
  async event(server: string, eventId: string, roomId?: string): Promise<{ room: LiveRoom; event: StoredEvent }> {
    const { db, rooms } = this.#deps
    const row = await findEvent(db, eventId)
    const ofEvent = row && (await findRoomByNid(db, row.room_nid))
    const room = await rooms.find(roomId ?? ofEvent?.room_id ?? '')
    const isOfRoom = row !== undefined && room !== undefined && row.room_nid === room.nid
    if (!isOfRoom || row.kind === EVENT_KIND.rejected) {
      if (roomId !== undefined) await this.room(server, roomId)
      throw notFound('No such event')
    }
    const event = new StoredEvent(row, room.roomId, room.version)
    const refusal = await this.#refusal(server, room, event)
    if (refusal) throw roomId === undefined ? notFound('No such event') : refusal
    return { room, event }
  }

  /** Why a server may not ask about an event of a room; undefined: it may. */
  async #refusal(server: string, room: LiveRoom, event: StoredEvent): Promise<MatrixError | undefined> {
    const isThere = room.servers.has(server) || (await whileThere(this.#deps.db, room, server))(event)
    if (!isThere) return notThere()
    return (await isAdmitted(room, server)) ? undefined : notAdmitted()
  }
}

const notThere = () => forbidden('Your server is not in this room')
const notAdmitted = () => forbidden('The room does not admit your server')
