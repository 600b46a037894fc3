import { forbidden, invalidParam, MatrixError, notFound } from '../../../matrix/errors.ts'
import { isRoomAlias, isRoomId, type RoomAlias, type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { type Db, type Tx, transact } from '../../../storage/db.ts'
import * as table from '../../../storage/rooms/directory.ts'
import type { Claimant } from '../../appservices/app-services.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import { aliasesNamed, withoutAlias } from './canonical-alias.ts'

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
  readonly append: Append
  readonly serverName: string
  /** Where an alias of another server leads. */
  remoteAlias(alias: RoomAlias): Promise<{ roomId: RoomId; servers: string[] }>
  /** Whether the user may list rooms in the directory. */
  canPublish(userId: UserId): boolean
  /** Throws `M_EXCLUSIVE` for an alias that an application service has for itself, or may not have. */
  checkClaim(claimant: Claimant, alias: RoomAlias): void
  /** Has a room made for an alias that is not there yet, by an application service; whether there is one now. */
  ensureAlias(alias: RoomAlias): Promise<boolean>
  /** Told when an alias leads to the room, or no longer does, after the commit. */
  onAliased(roomId: RoomId): void
  /** Told when a room was listed or taken off the list, after the commit. */
  onPublished(roomNid: number): void
}

type Publisher = Pick<Claimant, 'userId'> & { readonly isAdmin: boolean }

const CANONICAL = 'm.room.canonical_alias'
/** Servers in a room that are named beside our own. */
const MAX_SERVERS = 20
/** Aliases of other servers that one event may newly name: each is looked up there. */
const MAX_NEW_ALIASES = 20
/** Of one room: all are listed at once. */
const MAX_ALIASES = 100

/** Room aliases and what is published (spec: client-server API, Room aliases; Published room directory). */
export class Directory {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The room that an id or alias leads to, and servers that are said to be in it; or `M_NOT_FOUND`. */
  async resolve(roomIdOrAlias: string): Promise<{ roomId: RoomId; servers: string[] }> {
    if (isRoomId(roomIdOrAlias)) return { roomId: roomIdOrAlias, servers: [] }
    if (isRoomAlias(roomIdOrAlias)) return this.lookUp(roomIdOrAlias)
    throw invalidParam('Neither a room id nor an alias')
  }

  /** The room that an alias leads to, wherever it is, and servers that are in it. */
  lookUp(alias: RoomAlias): Promise<{ roomId: RoomId; servers: string[] }> {
    const { serverName, remoteAlias } = this.#deps
    return serverOf(alias) === serverName ? this.lookUpOwn(alias) : remoteAlias(alias)
  }

  /** The same for one of our own aliases. */
  async lookUpOwn(alias: RoomAlias): Promise<{ roomId: RoomId; servers: string[] }> {
    const { db, rooms, serverName, ensureAlias } = this.#deps
    const find = () => table.findAlias(db, composed(alias))
    const row = (await find()) ?? ((await ensureAlias(alias)) ? await find() : undefined)
    if (!row) throw notFound('No room has this alias')
    const servers = [...((await rooms.find(row.room_id))?.servers.keys() ?? [])]
    const others = servers.filter((server) => server !== serverName).slice(0, MAX_SERVERS)
    return { roomId: row.room_id, servers: [serverName, ...others] }
  }

  /** Takes an alias for a room. Any member may (spec: who may is the server's choice). */
  async setAlias(claimant: Claimant, alias: RoomAlias, roomId: RoomId): Promise<void> {
    const { db, rooms, serverName, checkClaim, onAliased } = this.#deps
    const { userId, appservice } = claimant
    if (serverOf(alias) !== serverName) throw invalidParam('The alias belongs to another server')
    checkClaim(claimant, alias)
    const room = await rooms.get(roomId)
    // An application service has full control over its aliases (spec: Server admin style permissions).
    if (!appservice && (await room.membershipOf(userId)) !== 'join') throw forbidden('You are not in this room')
    if ((await table.listAliases(db, roomId)).length >= MAX_ALIASES) {
      throw new MatrixError('M_LIMIT_EXCEEDED', `This room has ${MAX_ALIASES} aliases already`, { status: 400 })
    }
    const row = { alias: composed(alias), room_id: roomId, creator: userId }
    if (await transact(db, (tx) => table.insertAlias(tx, row))) return onAliased(roomId)
    throw new MatrixError('M_UNKNOWN', 'This alias is taken', { status: 409 })
  }

  /** Takes an alias inside the transaction that makes its room; `M_ROOM_IN_USE` when somebody has it. */
  async insertAlias(tx: Tx, alias: RoomAlias, roomId: RoomId, creator: Claimant): Promise<void> {
    this.#deps.checkClaim(creator, alias)
    if (await table.insertAlias(tx, { alias: composed(alias), room_id: roomId, creator: creator.userId })) return
    throw new MatrixError('M_ROOM_IN_USE', 'This alias is taken')
  }

  /**
   * Gives an alias up: who made it, who may change the room's canonical alias, an application service that has it in its
   * namespaces, or an administrator of the server. The room no longer calls it its own either, where the user may say so.
   */
  async deleteAlias(claimant: Claimant & { isAdmin: boolean }, alias: RoomAlias): Promise<void> {
    const { db, rooms, checkClaim, onAliased } = this.#deps
    const { userId, isAdmin, appservice } = claimant
    const row = await table.findAlias(db, composed(alias))
    if (!row) throw notFound('No room has this alias')
    if (!isAdmin) checkClaim(claimant, alias)
    const room = await rooms.find(row.room_id)
    const mayChange = room !== undefined && (await mayChangeAliases(room, userId))
    if (row.creator !== userId && !isAdmin && !appservice && !mayChange) throw forbidden('This alias is not yours')
    await transact(db, (tx) => table.deleteAlias(tx, row.alias))
    onAliased(row.room_id)
    if (room && mayChange) await this.#dropCanonical(room, userId, row.alias)
  }

  /** The local aliases of a room, for its members, and for everybody when its history is world-readable. */
  async aliasesOf(userId: UserId, roomId: RoomId): Promise<string[]> {
    const room = await this.#deps.rooms.get(roomId)
    if ((await room.membershipOf(userId)) !== 'join') {
      const visibility = (await room.stateEvent('m.room.history_visibility', ''))?.visible.content.history_visibility
      if (visibility !== 'world_readable') throw forbidden('You are not in this room')
    }
    return table.listAliases(this.#deps.db, roomId)
  }

  /** A canonical alias event may newly name only aliases that lead to its room: `M_BAD_ALIAS` otherwise. */
  async checkCanonicalAlias(roomId: RoomId, content: JsonObject): Promise<void> {
    const { db, rooms, serverName, remoteAlias } = this.#deps
    const isOwn = (alias: RoomAlias) => serverOf(alias) === serverName
    const room = await rooms.get(roomId)
    const current = (await room.stateEvent(CANONICAL, ''))?.visible.content ?? {}
    const added = aliasesNamed(content).filter((name) => current.alias !== name && !isAlternative(current, name))
    if (added.length === 0) return
    if (!added.every(isRoomAlias)) throw invalidParam('Not a room alias')
    const [own, others] = [added.filter(isOwn), added.filter((alias) => !isOwn(alias))]
    const leading = own.length === 0 ? new Set() : await table.aliasesLeadingTo(db, roomId, own.map(composed))
    const leadsElsewhere = async (alias: RoomAlias) =>
      (await remoteAlias(alias).catch(() => undefined))?.roomId !== roomId
    const isBad = others.length > MAX_NEW_ALIASES || (await Promise.all(others.map(leadsElsewhere))).includes(true)
    if (isBad || !own.every((alias) => leading.has(composed(alias)))) {
      throw new MatrixError('M_BAD_ALIAS', 'This alias does not lead to the room')
    }
  }

  async isPublished(roomId: RoomId): Promise<boolean> {
    const published = await table.isPublished(this.#deps.db, roomId)
    if (published === undefined) throw notFound('No such room')
    return published
  }

  /** Lists a room, or takes it off the list: who may change its canonical alias, or an administrator of the server. */
  async publish({ userId, isAdmin }: Publisher, roomId: RoomId, isPublic: boolean): Promise<void> {
    const { db, rooms, canPublish, onPublished } = this.#deps
    const room = await rooms.find(roomId)
    if (!room) throw notFound('No such room')
    const mayPublish = isAdmin || ((await mayChangeAliases(room, userId)) && (!isPublic || canPublish(userId)))
    if (!mayPublish) throw forbidden('You may not publish this room')
    await transact(db, (tx) => table.updatePublished(tx, room.nid, isPublic))
    onPublished(room.nid)
  }

  async #dropCanonical(room: LiveRoom, sender: UserId, alias: string): Promise<void> {
    const current = (await room.stateEvent(CANONICAL, ''))?.visible.content
    const content = current && withoutAlias(current, alias)
    if (content)
      await this.#deps.append.send(room.roomId, { draft: { type: CANONICAL, sender, stateKey: '', content } })
  }
}

/** Aliases are looked up in one form of Unicode: the same syllables may be typed in several. */
const composed = (alias: RoomAlias): RoomAlias => alias.normalize('NFC') as RoomAlias

const isAlternative = ({ alt_aliases: alternatives }: JsonObject, alias: string): boolean =>
  Array.isArray(alternatives) && alternatives.includes(alias)

async function mayChangeAliases(room: LiveRoom, userId: UserId): Promise<boolean> {
  if ((await room.membershipOf(userId)) !== 'join') return false
  const levels = await room.powerLevels()
  return levels.userLevel(userId) >= levels.eventLevel(CANONICAL, true)
}
