import { z } from 'zod'
import { eventId, roomId } from '../../matrix/ids.ts'
import { intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

const V1 = '/_matrix/federation/v1'
const atEvent = z.object({ event_id: eventId })

export const getEvent = route(
  {
    id: 'server.getEvent',
    method: 'GET',
    path: `${V1}/event/:eventId`,
    auth: 'federation',
    params: z.object({ eventId }),
  },
  async ({ requester, params }, { roomAnswers }) => jsonText(await roomAnswers.event(requester.server, params.eventId)),
)

export const getEventAuth = route(
  {
    id: 'server.getEventAuth',
    method: 'GET',
    path: `${V1}/event_auth/:roomId/:eventId`,
    auth: 'federation',
    params: z.object({ roomId, eventId }),
  },
  async ({ requester, params }, { roomAnswers }) =>
    jsonText(await roomAnswers.eventAuth(requester.server, params.roomId, params.eventId)),
)

export const getRoomState = route(
  {
    id: 'server.getRoomState',
    method: 'GET',
    path: `${V1}/state/:roomId`,
    auth: 'federation',
    params: z.object({ roomId }),
    query: atEvent,
  },
  async ({ requester, params, query }, { roomAnswers }) =>
    jsonText(await roomAnswers.state(requester.server, params.roomId, query.event_id)),
)

export const getRoomStateIds = route(
  {
    id: 'server.getRoomStateIds',
    method: 'GET',
    path: `${V1}/state_ids/:roomId`,
    auth: 'federation',
    params: z.object({ roomId }),
    query: atEvent,
  },
  async ({ requester, params, query }, { roomAnswers }) =>
    jsonText(await roomAnswers.stateIds(requester.server, params.roomId, query.event_id)),
)

export const getEventByTimestamp = route(
  {
    id: 'server.getEventByTimestamp',
    method: 'GET',
    path: `${V1}/timestamp_to_event/:roomId`,
    auth: 'federation',
    params: z.object({ roomId }),
    query: z.object({ ts: intParam, dir: z.enum(['f', 'b']) }),
  },
  async ({ requester, params, query }, { roomAnswers }) =>
    roomAnswers.eventNear(requester.server, params.roomId, query.ts, query.dir),
)
