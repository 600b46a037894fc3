import { notFound } from '../../matrix/errors.ts'
import type { RoomAlias, RoomId, UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { serversFor } from '../rooms/remote/resident-servers.ts'
import { type Preview, previewOf } from './preview.ts'
import { mayPreview } from './preview-access.ts'
import type { RemoteSpaces } from './remote-spaces.ts'

interface Place {
  readonly roomId: RoomId
  readonly servers: readonly string[]
}

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly remoteSpaces: RemoteSpaces
  /** The room that an id or alias leads to; `lookUpOwn` asks no other server. */
  readonly directory: { resolve(text: string): Promise<Place>; lookUpOwn(alias: RoomAlias): Promise<Place> }
  mayFederate(serverName: string): boolean
}

/** What a room is, for who thinks of joining it (spec: client-server API, getRoomSummary; MSC3266). */
export class RoomSummaries {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `M_NOT_FOUND` for a room that does not exist and for one that the user may not see. */
  async of(user: UserId | undefined, target: RoomId | RoomAlias, via: readonly string[]): Promise<JsonObject> {
    const { db, rooms, directory } = this.#deps
    // A stranger cannot have us ask other servers.
    const place = user !== undefined ? await directory.resolve(target) : await this.#ownPlace(target)
    const room = await rooms.find(place.roomId)
    const preview = await this.#preview(user, place, room, via)
    if (!preview || !(await mayPreview(db, user, preview, room))) throw notFound('No such room')
    if (user === undefined) return preview.entry
    return { ...preview.entry, membership: (await room?.membershipOf(user)) ?? 'leave' }
  }

  async #ownPlace(target: RoomId | RoomAlias): Promise<Place> {
    return isAlias(target) ? this.#deps.directory.lookUpOwn(target) : { roomId: target, servers: [] }
  }

  async #preview(
    user: UserId | undefined,
    { roomId, servers }: Place,
    room: LiveRoom | undefined,
    via: readonly string[],
  ): Promise<Preview | undefined> {
    if (room && room.localJoined.size > 0) return previewOf(room)
    if (user === undefined) return undefined
    const asked = await serversFor(this.#deps, roomId, room, user, [...via, ...servers])
    return (await this.#deps.remoteSpaces.find(roomId, asked, false))?.room
  }
}

const isAlias = (target: RoomId | RoomAlias): target is RoomAlias => target.startsWith('#')
