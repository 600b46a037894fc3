import { z } from 'zod'
import { roomId, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { requireSelf } from './own.ts'

export const setTyping = route(
  {
    id: 'client.setTyping',
    method: 'PUT',
    path: ['/_matrix/client/v3/rooms/:roomId/typing/:userId', '/_matrix/client/r0/rooms/:roomId/typing/:userId'],
    auth: 'user',
    params: z.object({ roomId, userId }),
    body: z.object({ typing: z.boolean(), timeout: z.int().nonnegative().optional() }),
  },
  async ({ requester, params, body }, { typing }) => {
    requireSelf(requester, params.userId)
    await typing.set(requester.userId, params.roomId, body.typing, body.timeout)
    return {}
  },
)
