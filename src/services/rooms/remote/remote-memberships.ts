import type { RoomId, UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { LiveRoom } from '../live-room.ts'
import type { RemoteJoin } from './join-room.ts'

/** What memberships need other servers for. */
export interface RemoteMemberships {
  /** False: we are in the room by now, so that it can be joined here. */
  join(wish: RemoteJoin): Promise<boolean>
  leave(room: LiveRoom, userId: UserId, content: JsonObject): Promise<void>
  knock(roomId: RoomId, userId: UserId, content: JsonObject, via: readonly string[]): Promise<void>
  /** Invites a user of another server. */
  invite(room: LiveRoom, sender: UserId, target: UserId, content: JsonObject): Promise<void>
}
