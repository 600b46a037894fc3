import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import { isRoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { haveLocalMembers, isJoinedToAny } from '../../../storage/rooms/memberships.ts'
import type { LiveRoom } from '../live-room.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
}

/**
 * Who vouches for a join into a restricted room (spec: client-server API, Restricted rooms): a member of this server
 * who may invite, once the joining user meets one of the conditions. Undefined when nobody needs to: the user is
 * invited, or the room is not restricted. Throws `M_FORBIDDEN` when no condition is met, `M_UNABLE_TO_AUTHORISE_JOIN`
 * when nobody here can know, `M_UNABLE_TO_GRANT_JOIN` when nobody here may let the user in.
 */
export async function authorisingUser(
  room: LiveRoom,
  userId: UserId,
  membership: string | undefined,
  deps: Deps,
): Promise<UserId | undefined> {
  if (membership === 'invite' || membership === 'ban') return undefined
  const admitting = await admittingRooms(room)
  if (!admitting) return undefined
  if (!(await isJoinedToAny(deps.db, userId, admitting))) {
    if (await haveLocalMembers(deps.db, admitting)) throw forbidden('You are not a member of a room that admits you')
    throw new MatrixError('M_UNABLE_TO_AUTHORISE_JOIN', 'This server is in none of the rooms whose members may join')
  }
  const levels = await room.powerLevels()
  for (const member of room.localJoined) {
    if (serverOf(member) === deps.serverName && levels.userLevel(member) >= levels.invite) return member
  }
  throw new MatrixError('M_UNABLE_TO_GRANT_JOIN', 'Nobody on this server may let you in')
}

/** The rooms whose members may join this one; undefined when it is not restricted. */
export async function admittingRooms(room: LiveRoom): Promise<string[] | undefined> {
  const rules = (await room.stateEvent('m.room.join_rules', ''))?.visible.content
  const rule = rules?.join_rule
  const { version } = room
  const isRestricted =
    (rule === 'restricted' && version.restricted) || (rule === 'knock_restricted' && version.knockRestricted)
  return isRestricted ? roomsNamed(rules?.allow) : undefined
}

function roomsNamed(allow: unknown): string[] {
  if (!Array.isArray(allow)) return []
  return allow.flatMap((condition) => {
    if (!isObject(condition) || condition.type !== 'm.room_membership') return []
    const { room_id: roomId } = condition
    return typeof roomId === 'string' && isRoomId(roomId) ? roomId : []
  })
}
