import { z } from 'zod'
import { eventId, roomId } from '../../matrix/ids.ts'
import { RECEIPT_TYPES } from '../../services/receipts.ts'
import { route } from '../route.ts'

export const setReadMarker = route(
  {
    id: 'client.setReadMarker',
    method: 'POST',
    path: ['/_matrix/client/v3/rooms/:roomId/read_markers', '/_matrix/client/r0/rooms/:roomId/read_markers'],
    auth: 'user',
    params: z.object({ roomId }),
    body: z.object({
      'm.fully_read': eventId.optional(),
      'm.read': eventId.optional(),
      'm.read.private': eventId.optional(),
    }),
  },
  async ({ requester, params, body }, { receipts }) => {
    for (const type of RECEIPT_TYPES) {
      const marked = body[type]
      if (marked !== undefined) await receipts.set(requester, params.roomId, type, marked)
    }
    return {}
  },
)
