import { type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { findStrippedState } from '../../../storage/rooms/memberships.ts'
import { askableServers } from '../askable-servers.ts'
import type { LiveRoom } from '../live-room.ts'

/** Servers that are asked about one room. */
const MAX_SERVERS = 20

interface Deps {
  readonly db: Db
  readonly serverName: string
  mayFederate(serverName: string): boolean
}

/**
 * Servers to ask about a room: those that are named for it. Where there are none, those of which we know, those of whom
 * the user was told when invited or knocking, and the one that the room's id names.
 */
export async function serversFor(
  deps: Deps,
  roomId: RoomId,
  room: LiveRoom | undefined,
  userId: UserId,
  via: readonly string[],
): Promise<string[]> {
  const named = await namedServers(deps, room, userId, via)
  if (named.length > 0) return named
  const told = room ? sendersIn(await findStrippedState(deps.db, room.nid, userId)) : []
  return askableServers(deps, [...(room?.servers.keys() ?? []), ...told, serverOf(roomId)], MAX_SERVERS)
}

/** Those that the client names, and whoever invited the user. */
export async function namedServers(
  deps: Deps,
  room: LiveRoom | undefined,
  userId: UserId,
  via: readonly string[],
): Promise<string[]> {
  const member = await room?.stateEvent('m.room.member', userId)
  const inviter = member?.membership === 'invite' ? [serverOf(member.pdu.sender)] : []
  return askableServers(deps, [...via, ...inviter], MAX_SERVERS)
}

/** The servers of those who sent what a user is told of a room. */
function sendersIn(strippedState: string | undefined): string[] {
  const events: unknown = JSON.parse(strippedState ?? '[]')
  if (!Array.isArray(events)) return []
  return events.flatMap((event) => (isObject(event) && typeof event.sender === 'string' ? serverOf(event.sender) : []))
}
