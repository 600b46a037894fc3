import { type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import type { LiveRoom } from '../live-room.ts'

/** Servers that are asked about one room. */
const MAX_SERVERS = 20

interface Deps {
  readonly serverName: string
  mayFederate(serverName: string): boolean
}

/**
 * Servers that may be in a room, best first: those that the client names, whoever invited the user, the servers of
 * which we know, and the one that the room's id names.
 */
export async function serversFor(
  { serverName, mayFederate }: Deps,
  roomId: RoomId,
  room: LiveRoom | undefined,
  userId: UserId,
  via: readonly string[],
): Promise<string[]> {
  const member = await room?.stateEvent('m.room.member', userId)
  const inviter = member ? [serverOf(member.pdu.sender)] : []
  const all = new Set([...via, ...inviter, ...(room?.servers.keys() ?? []), serverOf(roomId)])
  all.delete(serverName)
  all.delete('')
  return [...all].filter(mayFederate).slice(0, MAX_SERVERS)
}
