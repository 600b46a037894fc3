import type { RoomId, UserId } from '../../../matrix/ids.ts'
import type { Append } from '../append.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { MemberProfile } from './member-profile.ts'

interface Deps {
  readonly rooms: LiveRooms
  readonly append: Append
}

/** Has a joined user's member event show this profile. Whoever is no longer in the room stays out of it. */
export async function showProfile(
  { rooms, append }: Deps,
  roomId: RoomId,
  userId: UserId,
  { displayname, avatar_url }: MemberProfile,
): Promise<void> {
  const room = await rooms.find(roomId)
  const current = await room?.stateEvent('m.room.member', userId)
  if (current?.pdu.content.membership !== 'join') return
  // What was about one event only does not come again.
  const {
    displayname: _name,
    avatar_url: _url,
    reason: _reason,
    join_authorised_via_users_server: _via,
    ...kept
  } = current.pdu.content
  const content = {
    ...kept,
    ...(displayname !== undefined && { displayname }),
    ...(avatar_url !== undefined && { avatar_url }),
  }
  const draft = { type: 'm.room.member', sender: userId, stateKey: userId, content, replaces: current.eventId }
  await append.send(roomId, { draft })
}
