import { badJson, forbidden, invalidParam, MatrixError, notFound } from '../../matrix/errors.ts'
import { isRoomAlias, isRoomId, type RoomAlias, type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type Db, type Tx, transact } from '../../storage/db.ts'
import * as directory from '../../storage/directory.ts'
import type { LiveRoom } from './live-room.ts'
import type { LiveRooms } from './live-rooms.ts'

interface Deps {
  db: Db
  rooms: LiveRooms
  serverName: string
  /** Everybody may publish a room that they may change; or administrators only. */
  canPublish(userId: UserId): boolean
}

/** Room aliases and what is published (spec: client-server API, Room aliases; Published room directory). */
export class Directory {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The room that an id or alias leads to, or `M_NOT_FOUND`. */
  async resolve(roomIdOrAlias: string): Promise<RoomId> {
    if (isRoomId(roomIdOrAlias)) return roomIdOrAlias
    if (isRoomAlias(roomIdOrAlias)) return (await this.lookUp(roomIdOrAlias)).roomId
    throw invalidParam('Neither a room id nor an alias')
  }

  async lookUp(alias: RoomAlias): Promise<{ roomId: RoomId; servers: string[] }> {
    const row = await directory.findAlias(this.#deps.db, alias)
    if (!row) throw notFound('No room has this alias')
    return { roomId: row.room_id as RoomId, servers: [this.#deps.serverName] }
  }

  /** Takes an alias for a room. Any member may (spec: who may is the server's choice). */
  async setAlias(userId: UserId, alias: RoomAlias, roomId: RoomId): Promise<void> {
    if (serverOf(alias) !== this.#deps.serverName) throw invalidParam('The alias belongs to another server')
    await this.#joined(userId, roomId)
    await transact(this.#deps.db, (tx) => this.insertAlias(tx, alias, roomId, userId, 409))
  }

  /** Takes an alias inside a transaction; `M_ROOM_IN_USE` when somebody has it. */
  async insertAlias(tx: Tx, alias: RoomAlias, roomId: RoomId, creator: UserId, status = 400): Promise<void> {
    if (await directory.insertAlias(tx, { alias, room_id: roomId, creator })) return
    if (status === 409) throw new MatrixError('M_UNKNOWN', 'This alias is taken', { status })
    throw new MatrixError('M_ROOM_IN_USE', 'This alias is taken')
  }

  /** Gives an alias up: who made it, who may change the canonical alias, or an administrator of the server. */
  async deleteAlias(userId: UserId, isAdmin: boolean, alias: RoomAlias): Promise<void> {
    const row = await directory.findAlias(this.#deps.db, alias)
    if (!row) throw notFound('No room has this alias')
    if (row.creator !== userId && !isAdmin) {
      const room = await this.#deps.rooms.get(row.room_id)
      const levels = await room.powerLevels()
      const isMember = (await room.membershipOf(userId)) === 'join'
      if (!isMember || levels.userLevel(userId) < levels.eventLevel('m.room.canonical_alias', true)) {
        throw forbidden('This alias is not yours')
      }
    }
    await transact(this.#deps.db, (tx) => directory.deleteAlias(tx, alias))
  }

  /** The local aliases of a room, for its members, and for everybody when its history is world-readable. */
  async aliasesOf(userId: UserId, roomId: RoomId): Promise<string[]> {
    const room = await this.#deps.rooms.get(roomId)
    if ((await room.membershipOf(userId)) !== 'join') {
      const visibility = (await room.stateEvent('m.room.history_visibility', ''))?.pdu.content.history_visibility
      if (visibility !== 'world_readable') throw forbidden('You are not in this room')
    }
    return directory.listAliases(this.#deps.db, roomId)
  }

  /** A canonical alias event may newly name only aliases that lead to its room: `M_BAD_ALIAS` otherwise. */
  async checkCanonicalAlias(roomId: RoomId, content: JsonObject): Promise<void> {
    const room = await this.#deps.rooms.get(roomId)
    const before = namedAliases((await room.stateEvent('m.room.canonical_alias', ''))?.pdu.content ?? {})
    const { alias, alt_aliases: alternatives } = content
    if (alias !== undefined && alias !== null && typeof alias !== 'string') throw badJson('alias must be a string')
    if (
      alternatives !== undefined &&
      !(Array.isArray(alternatives) && alternatives.every((a) => typeof a === 'string'))
    ) {
      throw badJson('alt_aliases must be a list of strings')
    }
    for (const name of namedAliases(content)) {
      if (before.has(name)) continue
      if (!isRoomAlias(name)) throw invalidParam('Not a room alias')
      const row = await directory.findAlias(this.#deps.db, name)
      if (row?.room_id !== roomId) throw new MatrixError('M_BAD_ALIAS', 'This alias does not lead to the room')
    }
  }

  async isPublished(roomId: RoomId): Promise<boolean> {
    const published = await directory.isPublished(this.#deps.db, roomId)
    if (published === undefined) throw notFound('No such room')
    return published
  }

  async publish(userId: UserId, roomId: RoomId, isPublic: boolean): Promise<void> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room) throw notFound('No such room')
    const levels = await room.powerLevels()
    const mayChange =
      (await room.membershipOf(userId)) === 'join' &&
      levels.userLevel(userId) >= levels.eventLevel('m.room.canonical_alias', true)
    if (!mayChange || !this.#deps.canPublish(userId)) throw forbidden('You may not publish this room')
    await transact(this.#deps.db, (tx) => directory.updatePublished(tx, room.nid, isPublic))
  }

  async #joined(userId: UserId, roomId: RoomId): Promise<LiveRoom> {
    const room = await this.#deps.rooms.get(roomId)
    if ((await room.membershipOf(userId)) !== 'join') throw forbidden('You are not in this room')
    return room
  }
}

function namedAliases({ alias, alt_aliases: alternatives }: JsonObject): Set<string> {
  const names = new Set<string>()
  if (typeof alias === 'string') names.add(alias)
  if (Array.isArray(alternatives)) for (const name of alternatives) if (typeof name === 'string') names.add(name)
  return names
}
