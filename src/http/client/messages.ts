import { z } from 'zod'
import { eventId, roomId } from '../../matrix/ids.ts'
import { roomEventFilterParam } from '../event-filter.ts'
import { intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

const paths = (suffix: string) =>
  ['v3', 'r0', 'v1'].map((version) => `/_matrix/client/${version}/rooms/:roomId${suffix}`)

export const getRoomEvents = route(
  {
    id: 'client.getRoomEvents',
    method: 'GET',
    path: paths('/messages'),
    auth: 'guest',
    params: z.object({ roomId }),
    query: z.object({
      from: z.string().optional(),
      to: z.string().optional(),
      // NOTSPEC: required, but other servers have this default and clients came to rely on it.
      dir: z.enum(['b', 'f']).default('f'),
      limit: intParam.optional(),
      filter: roomEventFilterParam.optional(),
    }),
  },
  async ({ requester, params, query }, { reading }) =>
    jsonText(await reading.listMessages(requester, params.roomId, query)),
)

export const getEventContext = route(
  {
    id: 'client.getEventContext',
    method: 'GET',
    path: paths('/context/:eventId'),
    auth: 'guest',
    params: z.object({ roomId, eventId }),
    query: z.object({ limit: intParam.optional(), filter: roomEventFilterParam.optional() }),
  },
  async ({ requester, params, query }, { reading }) =>
    jsonText(await reading.getContext(requester, params.roomId, params.eventId, query)),
)

export const getOneRoomEvent = route(
  {
    id: 'client.getOneRoomEvent',
    method: 'GET',
    path: paths('/event/:eventId'),
    auth: 'guest',
    params: z.object({ roomId, eventId }),
  },
  async ({ requester, params }, { reading }) =>
    jsonText(await reading.getEvent(requester, params.roomId, params.eventId)),
)

export const getEventByTimestamp = route(
  {
    id: 'client.getEventByTimestamp',
    method: 'GET',
    path: [
      '/_matrix/client/v1/rooms/:roomId/timestamp_to_event',
      '/_matrix/client/unstable/org.matrix.msc3030/rooms/:roomId/timestamp_to_event',
    ],
    auth: 'user',
    params: z.object({ roomId }),
    query: z.object({ ts: intParam, dir: z.enum(['b', 'f']) }),
  },
  async ({ requester, params, query }, { reading }) => reading.eventNear(requester, params.roomId, query.ts, query.dir),
)
