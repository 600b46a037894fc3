import { z } from 'zod'
import { eventId, roomId } from '../../matrix/ids.ts'
import { firstParam, intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

/** Following threads (MSC4306), and what has changed of it (MSC4308). Both are proposals still: unstable paths alone. */

const path = '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:eventId/subscription'
const params = z.object({ roomId, eventId })
const DEFAULT_LIMIT = 100

export const getThreadSubscription = route(
  { id: 'client.getThreadSubscription', method: 'GET', path, auth: 'user', params },
  ({ requester, params }, { threadSubscriptions }) => threadSubscriptions.get(requester, params.roomId, params.eventId),
)

export const putThreadSubscription = route(
  {
    id: 'client.putThreadSubscription',
    method: 'PUT',
    path,
    auth: 'user',
    params,
    body: z.object({ automatic: eventId.optional() }),
  },
  async ({ requester, params, body }, { threadSubscriptions }) => {
    await threadSubscriptions.subscribe(requester, params.roomId, params.eventId, body.automatic)
    return {}
  },
)

export const deleteThreadSubscription = route(
  { id: 'client.deleteThreadSubscription', method: 'DELETE', path, auth: 'user', params },
  async ({ requester, params }, { threadSubscriptions }) => {
    await threadSubscriptions.unsubscribe(requester, params.roomId, params.eventId)
    return {}
  },
)

export const getThreadSubscriptions = route(
  {
    id: 'client.getThreadSubscriptions',
    method: 'GET',
    path: '/_matrix/client/unstable/io.element.msc4308/thread_subscriptions',
    auth: 'user',
    query: z.object({
      dir: z.literal('b'),
      from: firstParam.optional(),
      to: firstParam.optional(),
      limit: intParam.default(DEFAULT_LIMIT),
    }),
  },
  async ({ requester, query: { from, to, limit } }, { threadSubscriptions }) =>
    jsonText(await threadSubscriptions.listChanges(requester, { from, to, limit })),
)
