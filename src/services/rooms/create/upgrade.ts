import type { Logger } from 'pino'
import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import { type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { roomVersion } from '../../../room/versions.ts'
import type { Db, Tx } from '../../../storage/db.ts'
import * as directory from '../../../storage/rooms/directory.ts'
import { listMembers } from '../../../storage/rooms/memberships.ts'
import type { Append, Appended } from '../append.ts'
import type { Draft } from '../draft.ts'
import type { StateEdit } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { MemberProfile } from '../membership/member-profile.ts'
import { newRoomId } from './create.ts'
import { silencedLevels } from './successor-levels.ts'
import { successorState } from './successor-state.ts'

/** Bans that are carried over in the transaction that makes the room; the rest follow. */
const MAX_BANS_AT_ONCE = 300
const CANONICAL = 'm.room.canonical_alias'
const POWER_LEVELS = 'm.room.power_levels'

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
  readonly append: Append
  readonly serverName: string
  readonly log: Logger
  random(bytes: number): Uint8Array
  profileOf(userId: UserId): Promise<MemberProfile>
  /** Tells the directory that rooms changed places on its list. */
  onPublished(tx: Tx, roomNid: number): void
}

/**
 * Told when a room of this server has been replaced by another, however that came about, and when users of this server
 * join a room that replaced one: whose room it is now.
 */
export type ReplacedListener = (old: LiveRoom, replacement: LiveRoom, users: readonly UserId[]) => void

/** Replacing a room by one of another version (spec: client-server API, Room upgrades). */
export class RoomUpgrades {
  readonly #deps: Deps
  readonly #listeners: ReplacedListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Push rules and tags of the members move along with it. */
  onReplaced(listener: ReplacedListener): void {
    this.#listeners.push(listener)
  }

  /** Makes the successor of a room and closes the room; returns the successor's id. */
  async upgrade(userId: UserId, roomId: RoomId, newVersion: string, additionalCreators: string[]): Promise<RoomId> {
    const { db, append, rooms, serverName, random, profileOf } = this.#deps
    const version = roomVersion(newVersion)
    const old = await rooms.get(roomId)
    await refuseOutsiders(old, userId)
    if (!version) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', 'This room version is not supported')
    const bans = await this.#bans(old, userId)
    const state = await successorState(db, old, version, userId, {
      additionalCreators,
      profile: await profileOf(userId),
      random,
      bans: bans.slice(0, MAX_BANS_AT_ONCE),
    })
    const replacement = await append.createRoom(version, newRoomId({ random, serverName }), state, (tx, made) =>
      this.#moveDirectory(tx, old, made),
    )
    await Promise.all(bans.slice(MAX_BANS_AT_ONCE).map((draft) => append.send(replacement, { draft })))
    await this.#close(old, userId, replacement)
    return replacement
  }

  onAppended({ room, changes }: Appended): void {
    if (this.#listeners.length === 0) return
    const tombstone = changes.findLast(({ event }) => event?.type === 'm.room.tombstone')?.event
    const replacementId = tombstone?.pdu.content.replacement_room
    const joined = changes.flatMap((change) => joinedUser(change, this.#deps.serverName) ?? [])
    if (joined.length > 0) this.#log(room, this.#announceJoined(room, joined))
    if (typeof replacementId === 'string') this.#log(room, this.#announceReplaced(room, replacementId))
  }

  #log({ roomId }: LiveRoom, work: Promise<void>): void {
    work.catch((err: unknown) => this.#deps.log.error({ err, roomId }, 'following the replacement of a room failed'))
  }

  /** Both rooms say so, or it is no replacement: anybody may claim to succeed a room. */
  async #announceReplaced(old: LiveRoom, replacementId: string): Promise<void> {
    const replacement = await this.#deps.rooms.find(replacementId)
    if (!replacement || (await predecessorOf(replacement)) !== old.roomId) return
    for (const listener of this.#listeners) listener(old, replacement, [...old.localJoined])
  }

  async #announceJoined(room: LiveRoom, users: readonly UserId[]): Promise<void> {
    const oldId = await predecessorOf(room)
    const old = oldId === undefined ? undefined : await this.#deps.rooms.find(oldId)
    const tombstone = await old?.stateEvent('m.room.tombstone', '')
    if (!old || tombstone?.pdu.content.replacement_room !== room.roomId) return
    for (const listener of this.#listeners) listener(old, room, users)
  }

  async #bans(old: LiveRoom, sender: UserId): Promise<Draft[]> {
    const banned = await listMembers(this.#deps.db, old.nid, 'ban')
    return banned.map(({ user_id: stateKey }) => ({
      type: 'm.room.member',
      sender,
      stateKey,
      content: { membership: 'ban' },
    }))
  }

  async #moveDirectory(tx: Tx, old: LiveRoom, made: { nid: number; roomId: RoomId }): Promise<void> {
    await directory.updateAliasRoom(tx, old.roomId, made.roomId)
    if (!(await directory.isPublished(tx, old.roomId))) return
    await directory.updatePublished(tx, old.nid, false)
    await directory.updatePublished(tx, made.nid, true)
    for (const { nid } of [old, made]) this.#deps.onPublished(tx, nid)
  }

  /** The tombstone, and no more talk; what the user may not do beyond the tombstone is left out. */
  async #close(old: LiveRoom, sender: UserId, replacement: RoomId): Promise<void> {
    const state = (type: string, content: JsonObject) =>
      this.#deps.append.send(old.roomId, { draft: { type, sender, stateKey: '', content } })
    await state('m.room.tombstone', { body: 'This room has been replaced', replacement_room: replacement })
    const aliases = (await old.stateEvent(CANONICAL, ''))?.visible.content
    const levels = (await old.stateEvent(POWER_LEVELS, ''))?.visible.content
    const optional = [
      ...(aliases && Object.keys(aliases).length > 0 ? [state(CANONICAL, {})] : []),
      ...(levels ? [state(POWER_LEVELS, silencedLevels(levels, old.version))] : []),
    ]
    for (const sent of optional) {
      await sent.catch((error: unknown) => {
        if (!(error instanceof MatrixError)) throw error
      })
    }
  }
}

async function refuseOutsiders(room: LiveRoom, userId: UserId): Promise<void> {
  if ((await room.membershipOf(userId)) !== 'join') throw forbidden('You are not in this room')
  const levels = await room.powerLevels()
  if (levels.userLevel(userId) < levels.eventLevel('m.room.tombstone', true)) {
    throw forbidden('You may not upgrade this room')
  }
}

async function predecessorOf(room: LiveRoom): Promise<string | undefined> {
  const predecessor = (await room.stateEvent('m.room.create', ''))?.pdu.content.predecessor
  return isObject(predecessor) && typeof predecessor.room_id === 'string' ? predecessor.room_id : undefined
}

/** The user of this server who joins by this change. */
function joinedUser({ event, replaces }: StateEdit, serverName: string): UserId | undefined {
  if (event?.type !== 'm.room.member' || event.membership !== 'join' || replaces?.membership === 'join')
    return undefined
  const userId = event.stateKey as UserId
  return serverOf(userId) === serverName ? userId : undefined
}
