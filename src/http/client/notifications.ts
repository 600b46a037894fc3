import { z } from 'zod'
import { intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

const DEFAULT_LIMIT = 20

export const getNotifications = route(
  {
    id: 'client.getNotifications',
    method: 'GET',
    path: ['/_matrix/client/v3/notifications', '/_matrix/client/r0/notifications'],
    auth: 'user',
    query: z.object({
      from: z.string().optional(),
      limit: intParam.default(DEFAULT_LIMIT),
      only: z.string().optional(),
    }),
  },
  async ({ requester, query }, { notifications }) =>
    jsonText(
      await notifications.list(requester, {
        from: query.from,
        limit: query.limit,
        onlyHighlights: query.only?.split(',').includes('highlight') ?? false,
      }),
    ),
)
