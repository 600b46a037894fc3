import { z } from 'zod'
import { eventId, roomId, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'

/** As long as a message may be that explains it all. */
const MAX_REASON = 4000

const body = z.object({ reason: z.string().max(MAX_REASON).default('') })

export const reportEvent = route(
  {
    id: 'client.reportEvent',
    method: 'POST',
    path: ['/_matrix/client/v3/rooms/:roomId/report/:eventId', '/_matrix/client/r0/rooms/:roomId/report/:eventId'],
    auth: 'user',
    params: z.object({ roomId, eventId }),
    body,
  },
  async ({ requester, params, body }, { reports }) => {
    await reports.reportEvent(requester, params.roomId, params.eventId, body.reason)
    return {}
  },
)

export const reportRoom = route(
  {
    id: 'client.reportRoom',
    method: 'POST',
    path: [
      '/_matrix/client/v3/rooms/:roomId/report',
      '/_matrix/client/unstable/org.matrix.msc4151/rooms/:roomId/report',
    ],
    auth: 'user',
    params: z.object({ roomId }),
    body,
  },
  async ({ requester, params, body }, { reports }) => {
    await reports.reportRoom(requester, params.roomId, body.reason)
    return {}
  },
)

export const reportUser = route(
  {
    id: 'client.reportUser',
    method: 'POST',
    path: [
      '/_matrix/client/v3/users/:userId/report',
      '/_matrix/client/unstable/org.matrix.msc4260/users/:userId/report',
    ],
    auth: 'user',
    params: z.object({ userId }),
    body,
  },
  async ({ requester, params, body }, { reports }) => {
    await reports.reportUser(requester, params.userId, body.reason)
    return {}
  },
)
