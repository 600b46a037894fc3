import type { UserId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import { isJoinedToAny } from '../../storage/rooms/memberships.ts'
import { isServerInAny, isServerInvited } from '../../storage/rooms/spaces.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { isAdmitted } from '../rooms/serve/peer-rooms.ts'
import type { Preview } from './preview.ts'

/** Invites of a room that are looked through for users of a server. */
const MAX_INVITES = 1_000

/**
 * Whether a user may see that a room exists, and what it is (spec: getSpaceHierarchy): who is in it or invited, who may
 * join or knock, and everybody where everybody may read. `room`: what this server has of it; `userId` undefined: a
 * stranger.
 */
export async function mayPreview(
  db: Db,
  userId: UserId | undefined,
  { isWorldReadable, isOpen, admitting }: Preview,
  room: LiveRoom | undefined,
): Promise<boolean> {
  if (isWorldReadable) return true
  if (userId === undefined) return isOpen
  const membership = await room?.membershipOf(userId)
  if (membership === 'join' || membership === 'invite') return true
  if (membership === 'ban') return false
  return isOpen || isJoinedToAny(db, userId, admitting)
}

/** The same for another server: whether any of its users could, as far as is known here. */
export async function mayServerPreview(
  db: Db,
  server: string,
  { isWorldReadable, isOpen, admitting }: Preview,
  room: LiveRoom,
): Promise<boolean> {
  if (!(await isAdmitted(room, server))) return false
  if (isWorldReadable || isOpen || room.servers.has(server)) return true
  return (await isServerInAny(db, server, admitting)) || isServerInvited(db, room.nid, server, MAX_INVITES)
}
