import type { RoomId } from '../../src/matrix/ids.ts'
import { type Incoming, withOwnContent } from '../../src/services/rooms/receive/incoming.ts'
import { adoptRoom } from '../../src/services/rooms/remote/adopt-room.ts'
import type { BuiltEvent, RoomBuilder } from './room-builder.ts'
import { type Door, SERVER, user } from './rooms.ts'

/** Events of a builder as they are after their signatures were checked. */
export const incoming = (room: RoomBuilder, events: readonly BuiltEvent[]): Incoming[] =>
  events.map((event) => withOwnContent(event, room.version))

/** Has a local user join a room of other servers: the door then holds it as it was told of it. */
export async function joinForeign(door: Door, room: RoomBuilder, userId = user('alice')): Promise<BuiltEvent> {
  const state = incoming(room, [...room.stateAfter([room.last]).values()])
  const authChain = incoming(
    room,
    room.events.filter(({ pdu }) => pdu.state_key !== undefined),
  )
  const join = room.member(userId, userId, 'join')
  const [own] = incoming(room, [join])
  if (!own) throw new Error('There is no join')
  await adoptRoom(
    { ...door, serverName: SERVER },
    { roomId: room.roomId as RoomId, version: room.version, state, authChain, join: own },
  )
  return join
}
