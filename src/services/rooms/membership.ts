import { forbidden, MatrixError, notFound } from '../../matrix/errors.ts'
import { type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type Db, transact } from '../../storage/db.ts'
import * as table from '../../storage/memberships.ts'
import { nameNids } from '../../storage/names.ts'
import type { Append } from './append.ts'
import type { LiveRoom } from './live-room.ts'
import type { LiveRooms } from './live-rooms.ts'
import { authorisingUser } from './restricted-join.ts'

/** What a user's member events carry of the profile. */
export interface MemberProfile {
  displayname?: string
  avatar_url?: string
}

interface Deps {
  db: Db
  rooms: LiveRooms
  append: Append
  serverName: string
  /** The global profile of a user, for the member events that join or invite. */
  profileOf(userId: UserId): Promise<MemberProfile>
  /** Whether the invitee refuses invites of this sender (ignored users, invite rules). */
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
  /** Told when a user forgets a room, so that what is cached of the user's rooms goes with it. */
  onForgotten(userId: UserId, roomId: RoomId): void
}

interface Act {
  sender: UserId
  roomId: RoomId
  target: UserId
  reason?: string | undefined
}

/** Joining, inviting, leaving and their like (spec: client-server API, Room membership). */
export class Memberships {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Joins a room of this server. `extra` is further content of the member event. */
  async join(userId: UserId, roomId: RoomId, extra: JsonObject = {}): Promise<RoomId> {
    const { rooms: liveRooms } = this.#deps
    const room = await liveRooms.find(roomId)
    if (!room) throw notFound('No such room, or nobody here can let you in')
    const membership = await room.membershipOf(userId)
    if (membership === 'join') return roomId
    const authorisedVia = await authorisingUser(room, userId, membership, this.#deps)
    const content: JsonObject = { ...(await this.#profile(userId)), ...extra, membership: 'join' }
    if (authorisedVia) content.join_authorised_via_users_server = authorisedVia
    await this.#send(room, userId, userId, content)
    return roomId
  }

  async invite(act: Act & { isDirect?: boolean; extra?: JsonObject }): Promise<void> {
    const { serverName } = this.#deps
    const room = await this.#joinedRoom(act.sender, act.roomId)
    if (serverOf(act.target) !== serverName)
      throw forbidden('This server does not federate: only local users can be invited')
    if (await this.#deps.refusesInvite(act.target, act.sender)) {
      throw new MatrixError('M_INVITE_BLOCKED', 'This user does not accept your invites')
    }
    const content: JsonObject = { ...(await this.#profile(act.target)), ...act.extra, membership: 'invite' }
    if (act.isDirect) content.is_direct = true
    if (act.reason !== undefined) content.reason = act.reason
    await this.#send(room, act.sender, act.target, content)
  }

  /** Leaves a room, rejects an invite or takes back a knock. Leaving again is no error. */
  async leave({ sender, roomId, reason }: Omit<Act, 'target'>): Promise<void> {
    const room = await this.#deps.rooms.get(roomId)
    const membership = await room.membershipOf(sender)
    if (membership === 'leave') return
    if (membership === undefined || membership === 'ban') throw forbidden('You are not in this room')
    await this.#send(room, sender, sender, { membership: 'leave', ...(reason !== undefined && { reason }) })
  }

  async kick({ sender, roomId, target, reason }: Act): Promise<void> {
    const room = await this.#joinedRoom(sender, roomId)
    const membership = await room.membershipOf(target)
    if (membership === undefined || membership === 'leave' || membership === 'ban') {
      throw forbidden('The user is not in this room')
    }
    await this.#send(room, sender, target, { membership: 'leave', ...(reason !== undefined && { reason }) })
  }

  async ban({ sender, roomId, target, reason }: Act): Promise<void> {
    const room = await this.#joinedRoom(sender, roomId)
    const profile = (await room.stateEvent('m.room.member', target))?.pdu.content
    await this.#send(room, sender, target, {
      ...(typeof profile?.displayname === 'string' && { displayname: profile.displayname }),
      ...(typeof profile?.avatar_url === 'string' && { avatar_url: profile.avatar_url }),
      membership: 'ban',
      ...(reason !== undefined && { reason }),
    })
  }

  async unban({ sender, roomId, target, reason }: Act): Promise<void> {
    const room = await this.#joinedRoom(sender, roomId)
    if ((await room.membershipOf(target)) !== 'ban') {
      throw new MatrixError('M_BAD_STATE', 'The user is not banned', { status: 403 })
    }
    await this.#send(room, sender, target, { membership: 'leave', ...(reason !== undefined && { reason }) })
  }

  async knock(userId: UserId, roomId: RoomId, reason: string | undefined): Promise<RoomId> {
    const room = await this.#deps.rooms.find(roomId)
    if (!room) throw notFound('No such room')
    const content: JsonObject = { ...(await this.#profile(userId)), membership: 'knock' }
    if (reason !== undefined) content.reason = reason
    await this.#send(room, userId, userId, content)
    return roomId
  }

  /** Forgets a room that one has left; it no longer appears anywhere for this user. */
  async forget(userId: UserId, roomId: RoomId): Promise<void> {
    const { db } = this.#deps
    const room = await this.#deps.rooms.get(roomId)
    const membership = await room.membershipOf(userId)
    if (membership === undefined) throw forbidden('You were never in this room')
    if (membership !== 'leave' && membership !== 'ban') {
      throw new MatrixError('M_UNKNOWN', 'You are still in this room', { status: 400 })
    }
    const userNid = (await nameNids(db, [userId])).get(userId)
    if (userNid === undefined) return
    const isGone = await transact(db, (tx) => table.updateForgotten(tx, room.nid, userNid))
    if (isGone) this.#deps.onForgotten(userId, roomId)
  }

  async isJoined(userId: UserId, roomId: RoomId): Promise<boolean> {
    const room = await this.#deps.rooms.find(roomId)
    return room !== undefined && (await room.membershipOf(userId)) === 'join'
  }

  /** The id of a user's current member event. */
  async memberEventId(roomId: RoomId, userId: UserId): Promise<string | undefined> {
    const room = await this.#deps.rooms.find(roomId)
    return (await room?.stateEvent('m.room.member', userId))?.eventId
  }

  async joinedRooms(userNid: number): Promise<RoomId[]> {
    const rows = await table.listRoomsOfUser(this.#deps.db, userNid)
    return rows.filter((row) => row.membership === 'join').map((row) => row.room_id as RoomId)
  }

  /** Leaves every room, for an account that goes away; a room that refuses does not stop the others. */
  async leaveAll(userId: UserId, userNid: number): Promise<void> {
    for (const row of await table.listRoomsOfUser(this.#deps.db, userNid)) {
      if (!['join', 'invite', 'knock'].includes(row.membership)) continue
      await this.leave({ sender: userId, roomId: row.room_id as RoomId }).catch((error: unknown) => {
        if (!(error instanceof MatrixError)) throw error
      })
    }
  }

  async #joinedRoom(userId: UserId, roomId: RoomId): Promise<LiveRoom> {
    const room = await this.#deps.rooms.get(roomId)
    if ((await room.membershipOf(userId)) !== 'join') throw forbidden('You are not in this room')
    return room
  }

  async #profile(userId: UserId): Promise<JsonObject> {
    const { displayname, avatar_url } = await this.#deps.profileOf(userId)
    return { ...(displayname !== undefined && { displayname }), ...(avatar_url !== undefined && { avatar_url }) }
  }

  async #send(room: LiveRoom, sender: UserId, target: UserId, content: JsonObject): Promise<void> {
    await this.#deps.append.send(room.roomId, { draft: { type: 'm.room.member', sender, stateKey: target, content } })
  }
}
