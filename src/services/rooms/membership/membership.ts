import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import { type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import * as table from '../../../storage/rooms/memberships.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { RemoteMemberships } from '../remote/remote-memberships.ts'
import { isHere } from './joins.ts'
import type { MemberProfile } from './member-profile.ts'
import { showProfile } from './show-profile.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly append: Append
  readonly serverName: string
  readonly remote: RemoteMemberships
  /** The global profile of a user, for the member events that join or invite. */
  profileOf(userId: UserId): Promise<MemberProfile>
  /** Whether the invitee refuses invites of this sender (invite rules). */
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
  /** Resolves once all members of the room are known; throws when that takes too long. */
  untilWhole(roomId: RoomId): Promise<void>
  /** Whose invites nobody rejects: the user that sends the server's notices. */
  readonly noticesUser: UserId
  /** Told when a user forgets a room, so that what is cached of the user's rooms goes with it. */
  onForgotten(userId: UserId, roomId: RoomId): void
}

interface Act {
  sender: UserId
  roomId: RoomId
  target: UserId
  reason?: string | undefined
}

/** Inviting, leaving and their like; for joining see `Joins` (spec: client-server API, Room membership). */
export class Memberships {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Invites a user of this server or of another; `extra` goes into the content. Throws `M_INVITE_BLOCKED` for a user of ours
   * who takes no invites from the sender, and like all of these `M_FORBIDDEN` where the room's rules do not allow it.
   */
  async invite(act: Act & { extra?: JsonObject; ts?: number | undefined }): Promise<void> {
    const { serverName, refusesInvite, profileOf, remote } = this.#deps
    const room = await this.#joinedRoom(act.sender, act.roomId)
    if (serverOf(act.target) !== serverName) {
      const content = { ...act.extra, membership: 'invite', ...reasonOf(act) }
      return remote.invite(room, act.sender, act.target, content)
    }
    if (await refusesInvite(act.target, act.sender)) {
      throw new MatrixError('M_INVITE_BLOCKED', 'This user does not accept your invites')
    }
    const profile = await profileOf(act.target)
    const content = { ...profile, ...act.extra, membership: 'invite', ...reasonOf(act) }
    await this.#send(room, act.sender, act.target, content, act.ts)
  }

  /** Leaves a room, rejects an invite or takes back a knock. Leaving again is no error. */
  async leave(act: Omit<Act, 'target'>): Promise<void> {
    await this.checkRejection(act.sender, act.roomId)
    await this.#leave(act)
  }

  /** Throws `M_CANNOT_LEAVE_SERVER_NOTICE_ROOM` for somebody invited to the server's notices (spec: Server Notices). */
  async checkRejection(userId: UserId, roomId: RoomId): Promise<void> {
    const { rooms, noticesUser } = this.#deps
    const member = (await (await rooms.find(roomId))?.stateEvent('m.room.member', userId))?.pdu
    if (member?.content.membership !== 'invite' || member.sender !== noticesUser) return
    throw new MatrixError('M_CANNOT_LEAVE_SERVER_NOTICE_ROOM', 'Notices of the server cannot be refused')
  }

  async #leave({ sender, roomId, reason }: Omit<Act, 'target'>): Promise<void> {
    const room = await this.#deps.rooms.get(roomId)
    const membership = await room.membershipOf(sender)
    if (membership === 'leave') return
    if (membership === undefined || membership === 'ban') throw forbidden('You are not in this room')
    if (!isHere(room)) return this.#deps.remote.leave(room, sender, reasonOf({ reason }))
    await this.#send(room, sender, sender, { membership: 'leave', ...reasonOf({ reason }) })
  }

  /** Takes somebody out who is in the room, invited or knocking; where not all members are known, once they are. */
  async kick(act: Act): Promise<void> {
    let room = await this.#joinedRoom(act.sender, act.roomId)
    if (room.isPartial && (await room.membershipOf(act.target)) === undefined) {
      await this.#deps.untilWhole(act.roomId)
      room = await this.#joinedRoom(act.sender, act.roomId)
    }
    const membership = await room.membershipOf(act.target)
    if (membership === undefined || membership === 'leave' || membership === 'ban') {
      throw forbidden('The user is not in this room')
    }
    await this.#send(room, act.sender, act.target, { membership: 'leave', ...reasonOf(act) })
  }

  /** Bans somebody, who need not ever have been in the room. */
  async ban(act: Act): Promise<void> {
    const room = await this.#joinedRoom(act.sender, act.roomId)
    // The name stays, so that the list of the banned can be read.
    const { displayname, avatar_url } = (await room.stateEvent('m.room.member', act.target))?.visible.content ?? {}
    await this.#send(room, act.sender, act.target, {
      ...(typeof displayname === 'string' && { displayname }),
      ...(typeof avatar_url === 'string' && { avatar_url }),
      membership: 'ban',
      ...reasonOf(act),
    })
  }

  /** Lifts a ban: the user may come back, but is not in the room. Throws `M_BAD_STATE` (403) where there is none. */
  async unban(act: Act): Promise<void> {
    const room = await this.#joinedRoom(act.sender, act.roomId)
    if ((await room.membershipOf(act.target)) !== 'ban') {
      throw new MatrixError('M_BAD_STATE', 'The user is not banned', { status: 403 })
    }
    await this.#send(room, act.sender, act.target, { membership: 'leave', ...reasonOf(act) })
  }

  /** Asks to be let in; through the servers in `via` where nobody of ours is in the room. */
  async knock(userId: UserId, roomId: RoomId, reason?: string, via: readonly string[] = []): Promise<RoomId> {
    const room = await this.#deps.rooms.find(roomId)
    const content = { ...(await this.#deps.profileOf(userId)), ...reasonOf({ reason }) }
    if (room && isHere(room)) await this.#send(room, userId, userId, { ...content, membership: 'knock' })
    else await this.#deps.remote.knock(roomId, userId, content, via)
    return roomId
  }

  /** Forgets a room that one has left; it no longer appears anywhere for this user. */
  async forget(userId: UserId, roomId: RoomId): Promise<void> {
    const { db, rooms, onForgotten } = this.#deps
    const room = await rooms.get(roomId)
    if ((await room.membershipOf(userId)) === undefined) throw forbidden('You are not in this room')
    const userNid = (await nameNids(db, [userId])).get(userId)
    const isGone = userNid !== undefined && (await transact(db, (tx) => table.updateForgotten(tx, room.nid, userNid)))
    if (!isGone) throw new MatrixError('M_UNKNOWN', 'You are still in this room', { status: 400 })
    onForgotten(userId, roomId)
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
    return rows.filter((row) => row.membership === 'join').map((row) => row.room_id)
  }

  /** Has the user's member event show this profile; whoever is not in the room stays out of it. */
  showProfile(roomId: RoomId, userId: UserId, profile: MemberProfile): Promise<void> {
    return showProfile(this.#deps, roomId, userId, profile)
  }

  /** Leaves every room, for an account that goes away; a room that refuses does not stop the others. */
  async leaveAll(userId: UserId, userNid: number): Promise<void> {
    for (const row of await table.listRoomsOfUser(this.#deps.db, userNid)) {
      if (!['join', 'invite', 'knock'].includes(row.membership)) continue
      await this.#leave({ sender: userId, roomId: row.room_id }).catch((error: unknown) => {
        if (!(error instanceof MatrixError)) throw error
      })
    }
  }

  async #joinedRoom(userId: UserId, roomId: RoomId): Promise<LiveRoom> {
    const room = await this.#deps.rooms.get(roomId)
    if ((await room.membershipOf(userId)) !== 'join') throw forbidden('You are not in this room')
    return room
  }

  async #send(room: LiveRoom, sender: UserId, target: UserId, content: JsonObject, ts?: number): Promise<void> {
    const draft = { type: 'm.room.member', sender, stateKey: target, content, ts }
    await this.#deps.append.send(room.roomId, { draft })
  }
}

const reasonOf = ({ reason }: { reason?: string | undefined }): JsonObject => (reason === undefined ? {} : { reason })
