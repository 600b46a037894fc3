import { type ErrCode, forbidden, MatrixError, userSuspended } from '../../../matrix/errors.ts'
import type { RoomId, UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { RemoteJoin } from '../remote/join-room.ts'
import type { RemoteMemberships } from '../remote/remote-memberships.ts'
import type { MemberProfile } from './member-profile.ts'
import { authorisingUser } from './restricted-join.ts'
import { thirdPartyInvite } from './third-party-invite.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly append: Append
  readonly serverName: string
  readonly remote: Pick<RemoteMemberships, 'join'>
  /** Sends the notices of the server, which reach who is suspended, too. */
  readonly noticesUser: UserId
  /** The global profile of a user, for the member event. */
  profileOf(userId: UserId): Promise<MemberProfile>
}

interface Joiner {
  userId: UserId
  isGuest: boolean
  isSuspended?: boolean
}

interface JoinOptions {
  /** Further content of the member event. */
  extra?: JsonObject
  /** Servers through which the room can be joined. */
  via?: readonly string[] | undefined
  /** Proof that an identity server gives to who was invited by another address. */
  thirdPartySigned?: JsonObject | undefined
  /** When it happened, as an application service may say; now, where another server makes the event. */
  ts?: number | undefined
}

/** Nobody here can decide, or nobody here may let somebody in. */
const UNABLE: readonly ErrCode[] = ['M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN']
const MAX_ATTEMPTS = 4
const PAUSE_MS = 250

/** Joining rooms (spec: client-server API, Joining rooms). */
export class Joins {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Joins a room, through other servers where we are not in it. Being there already is no error. Throws
   * `M_USER_SUSPENDED`, save where the server itself has invited the user.
   */
  async join(joiner: Joiner, roomId: RoomId, options: JoinOptions = {}): Promise<RoomId> {
    const { userId } = joiner
    const { extra = {}, via = [] } = options
    const content = { ...(await this.#deps.profileOf(userId)), ...extra }
    for (;;) {
      const room = await this.#deps.rooms.find(roomId)
      if (room?.localJoined.has(userId)) return roomId
      if (joiner.isSuspended && !(await this.#isInvitedByServer(room, userId))) throw userSuspended()
      if (room && isHere(room) && joiner.isGuest) await refuseGuests(room)
      const wish = { roomId, userId, content, via }
      // While its members are not known here, others know better who may join: somebody may be banned.
      if (room && isHere(room) && !room.isPartial) {
        if (room.localJoined.size === 0 && (await this.#joinOthersIn(wish))) return roomId
        return this.#joinHere(room, joiner, content, options)
      }
      if (await this.#deps.remote.join(wish)) return roomId
    }
  }

  async #isInvitedByServer(room: LiveRoom | undefined, userId: UserId): Promise<boolean> {
    const member = (await room?.stateEvent('m.room.member', userId))?.pdu
    return member?.content.membership === 'invite' && member.sender === this.#deps.noticesUser
  }

  /**
   * Nobody is in the room, as far as we know; the servers that are named may know of somebody. Where two came to think
   * differently of who is in it, each would otherwise go on with a room of its own. False: they know of nobody either.
   */
  async #joinOthersIn(wish: RemoteJoin): Promise<boolean> {
    try {
      return await this.#deps.remote.join({ ...wish, isOnlyNamed: true })
    } catch (error) {
      if (!(error instanceof MatrixError) || error.errcode === 'M_FORBIDDEN') throw error
      return false
    }
  }

  async #joinHere(
    room: LiveRoom,
    { userId }: Joiner,
    profile: JsonObject,
    { thirdPartySigned, via = [], ts }: JoinOptions,
  ): Promise<RoomId> {
    const { append, serverName } = this.#deps
    const { roomId } = room
    let membership = await room.membershipOf(userId)
    if (thirdPartySigned && membership !== 'invite' && membership !== 'ban') {
      await append.send(roomId, { draft: await thirdPartyInvite(room, userId, thirdPartySigned, serverName) })
      membership = 'invite'
    }
    for (let attempt = 1; ; attempt++) {
      try {
        const authorisedVia = await authorisingUser(room, userId, membership, this.#deps)
        const vouched = authorisedVia ? { join_authorised_via_users_server: authorisedVia } : {}
        const content = { ...profile, ...vouched, membership: 'join' }
        await append.send(roomId, { draft: { type: 'm.room.member', sender: userId, stateKey: userId, content, ts } })
        return roomId
      } catch (error) {
        if (!(error instanceof MatrixError) || !UNABLE.includes(error.errcode)) throw error
        if (await this.#joinThroughOthers(room, userId, profile, via, error, attempt)) return roomId
      }
    }
  }

  /** Others in the room may know more, or have somebody who may let the user in. False: try again here. */
  async #joinThroughOthers(
    { roomId }: LiveRoom,
    userId: UserId,
    content: JsonObject,
    via: readonly string[],
    unable: MatrixError,
    attempt: number,
  ): Promise<boolean> {
    try {
      return await this.#deps.remote.join({ roomId, userId, content, via })
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      if (error.errcode !== 'M_FORBIDDEN') throw forbidden(unable.message)
      // We know that the user meets a condition: what shows it is still on its way to them.
      if (unable.errcode !== 'M_UNABLE_TO_GRANT_JOIN' || attempt === MAX_ATTEMPTS) throw error
      await this.#deps.clock.sleep(PAUSE_MS)
      return false
    }
  }
}

/** Whether we can write to the room: one of ours is in it, or nobody is any more and it always was here. */
export const isHere = (room: LiveRoom): boolean =>
  room.localJoined.size > 0 || (room.servers.size === 0 && room.extremities.length > 0)

/** Guests may enter only where the room says so (spec: client-server API, Guest access). */
async function refuseGuests(room: LiveRoom): Promise<void> {
  const access = (await room.stateEvent('m.room.guest_access', ''))?.visible.content.guest_access
  if (access !== 'can_join') throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'This room is not open to guests')
}
