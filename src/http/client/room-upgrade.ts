import { z } from 'zod'
import { roomId, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'

const MAX_CREATORS = 500

export const upgradeRoom = route(
  {
    id: 'client.upgradeRoom',
    method: 'POST',
    path: ['/_matrix/client/v3/rooms/:roomId/upgrade', '/_matrix/client/r0/rooms/:roomId/upgrade'],
    auth: 'user',
    limit: 'join',
    refusesSuspended: true,
    params: z.object({ roomId }),
    body: z.object({ new_version: z.string(), additional_creators: z.array(userId).max(MAX_CREATORS).optional() }),
  },
  async ({ requester, params, body }, { roomUpgrades }) => {
    const { new_version: version, additional_creators: creators = [] } = body
    return { replacement_room: await roomUpgrades.upgrade(requester.userId, params.roomId, version, creators) }
  },
)
