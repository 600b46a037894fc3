import { forbidden } from '../../matrix/errors.ts'
import type { RoomId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import { findMembership } from '../../storage/rooms/memberships.ts'
import { listNewest } from '../../storage/rooms/timeline.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Standing } from '../rooms/view/standing.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import type { Placed } from '../tokens.ts'

/** A room as one user may read it. */
export interface RoomView {
  readonly room: LiveRoom
  readonly standing: Standing
  /** The event with which the user left: state is read as it was then. undefined: the current state. */
  readonly leaving: StoredEvent | undefined
  /** The last place in room order that the user can see anything at; undefined: there is none. */
  readonly end: Placed | undefined
}

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
  readonly visibility: Visibility
  /** Resolves once all members of the room are known; throws when that takes too long. */
  untilWhole(roomId: RoomId): Promise<void>
}

/** Who may read a room at all: the guard of every endpoint that reads (spec: Room history visibility). */
export class RoomAccess {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `M_FORBIDDEN` unless the user is or was a member, or anybody may read. An unknown room looks the same. */
  async view(roomId: string, viewer: Viewer): Promise<RoomView> {
    const view = await this.find(roomId, viewer)
    if (!view) throw forbidden('You are not a member of this room')
    return view
  }

  /** The same, once all members of the room are known, where the user reads it as it is now. */
  async whole(roomId: string, viewer: Viewer): Promise<RoomView> {
    const view = await this.view(roomId, viewer)
    if (!view.room.isPartial || view.leaving) return view
    await this.#deps.untilWhole(view.room.roomId)
    return this.view(roomId, viewer)
  }

  /** As `view`, undefined where that throws. */
  async find(roomId: string, viewer: Viewer): Promise<RoomView | undefined> {
    const { rooms, visibility } = this.#deps
    const room = await rooms.find(roomId)
    if (!room) return undefined
    const standing = await visibility.standing(room, viewer)
    if (standing.membership === 'join') return { room, standing, leaving: undefined, end: undefined }
    const isPublic = await visibility.isWorldReadable(room)
    const leaving = await this.#leaving(room, standing, viewer)
    if (!isPublic && !leaving) return undefined
    return { room, standing, leaving, end: isPublic ? undefined : leaving && placeOf(leaving) }
  }

  /** A room whose events are shown because of what is known otherwise: an invite, a list of the user's own rooms. */
  room(roomId: string): Promise<LiveRoom | undefined> {
    return this.#deps.rooms.find(roomId)
  }

  /** The event with which a user left who has not forgotten the room. */
  async #leaving(room: LiveRoom, { joinedUntil }: Standing, viewer: Viewer): Promise<StoredEvent | undefined> {
    const { db } = this.#deps
    if (joinedUntil < 0) return undefined
    const [row] = await listNewest(db, room.nid, joinedUntil + 1, 1)
    if (!row || (await findMembership(db, room.nid, viewer.userNid))?.forgotten === 1) return undefined
    return new StoredEvent(row, room.roomId, room.version)
  }
}

export const placeOf = ({ row: { depth, pos } }: StoredEvent): Placed => ({ depth, pos: pos ?? 0 })
