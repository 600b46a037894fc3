import { z } from 'zod'
import { eventId, roomId } from '../../matrix/ids.ts'
import { boolParam, intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

/** The three paths differ in how much they narrow the children down. */
const relations = (id: string, suffix: string) =>
  route(
    {
      id: `client.${id}`,
      method: 'GET',
      path: `/_matrix/client/v1/rooms/:roomId/relations/:eventId${suffix}`,
      auth: 'user',
      params: z.object({ roomId, eventId, relType: z.string().optional(), eventType: z.string().optional() }),
      query: z.object({
        from: z.string().optional(),
        to: z.string().optional(),
        limit: intParam.optional(),
        dir: z.enum(['b', 'f']).default('b'),
        recurse: boolParam.default(false),
      }),
    },
    async ({ requester, params, query }, { reading }) => {
      const { roomId, ...which } = params
      return jsonText(await reading.listRelations(requester, roomId, { ...which, ...query }))
    },
  )

export const getRelatingEvents = relations('getRelatingEvents', '')
export const getRelatingEventsWithRelType = relations('getRelatingEventsWithRelType', '/:relType')
export const getRelatingEventsWithRelTypeAndEventType = relations(
  'getRelatingEventsWithRelTypeAndEventType',
  '/:relType/:eventType',
)

export const getThreadRoots = route(
  {
    id: 'client.getThreadRoots',
    method: 'GET',
    path: '/_matrix/client/v1/rooms/:roomId/threads',
    auth: 'user',
    params: z.object({ roomId }),
    query: z.object({
      include: z.enum(['all', 'participated']).default('all'),
      limit: intParam.optional(),
      from: z.string().optional(),
    }),
  },
  async ({ requester, params, query }, { reading }) =>
    jsonText(await reading.listThreadRoots(requester, params.roomId, query)),
)
