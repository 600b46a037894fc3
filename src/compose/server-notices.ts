import type { Config } from '../config/schema.ts'
import type { Tags } from '../services/account-data/tags.ts'
import type { Accounts } from '../services/accounts/accounts.ts'
import { ServerNotices } from '../services/notices/server-notices.ts'
import type { Ground } from './ground.ts'
import type { composeRooms } from './rooms.ts'
import { noticesUserOf } from './settings.ts'

/** What administrators tell single users. */
export function composeServerNotices(
  config: Config,
  { db, serverName }: Ground,
  accounts: Accounts,
  tags: Tags,
  { liveRooms, memberships, sending, createPlainRoom }: ReturnType<typeof composeRooms>,
) {
  const { user_name: senderName, room_name: roomName, room_avatar: roomAvatar } = config.server_notices
  return {
    serverNotices: new ServerNotices({
      db,
      serverName,
      accounts,
      rooms: liveRooms,
      memberships,
      sending,
      tags,
      sender: noticesUserOf(config),
      senderName,
      roomName,
      roomAvatar,
      createRoom: createPlainRoom,
    }),
  }
}
