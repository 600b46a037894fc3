import { forbidden, notFound } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import { mayTakePart } from '../../../room/server-acl.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, findEvent } from '../../../storage/events.ts'
import { findRoomByNid } from '../../../storage/rooms.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import { StoredEvent } from '../stored-event.ts'

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

/** Which rooms and events another server may ask about. Rooms that it is not in do not exist for it. */
export class PeerRooms {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A room that we are in and that does not shut the server out: what one needs for joining it. */
  async admitting(server: string, roomId: string): Promise<LiveRoom> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room || room.localJoined.size === 0 || this.#deps.isFrozen(room.roomId)) throw notFound('No such room')
    if (!(await isAdmitted(room, server))) throw forbidden('The room does not admit your server')
    return room
  }

  /** A room that the server is in. */
  async room(server: string, roomId: string): Promise<LiveRoom> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room?.servers.has(server)) throw forbidden('Your server is not in this room')
    if (!(await isAdmitted(room, server))) throw forbidden('The room does not admit your server')
    return room
  }

  /** An event of a room that the server is in; not one that was rejected. */
  async event(server: string, eventId: string, roomId?: string): Promise<{ room: LiveRoom; event: StoredEvent }> {
    const { db } = this.#deps
    const room = roomId === undefined ? undefined : await this.room(server, roomId)
    const row = await findEvent(db, eventId)
    const found = row && row.kind !== EVENT_KIND.rejected ? row : undefined
    if (!found || (room && found.room_nid !== room.nid)) throw notFound('No such event')
    if (room) return { room, event: new StoredEvent(found, room.roomId, room.version) }
    const ofEvent = await findRoomByNid(db, found.room_nid)
    const own = await this.room(server, ofEvent?.room_id ?? '').catch(() => {
      throw notFound('No such event')
    })
    return { room: own, event: new StoredEvent(found, own.roomId, own.version) }
  }
}
