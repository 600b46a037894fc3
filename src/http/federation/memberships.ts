import { z } from 'zod'
import { eventId, roomId, userId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { LongText } from '../../util/long-text.ts'
import { boolParam, listParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

const V1 = '/_matrix/federation/v1'
const V2 = '/_matrix/federation/v2'
const ofUser = z.object({ roomId, userId })
const ofEvent = z.object({ roomId, eventId })
/** An event is read by those who know its room's version. */
const event = z.custom<JsonObject>(isObject, 'Not an object')
/** Who names no versions knows the first one. */
const versions = z.object({ ver: listParam.optional().default(['1']) })

export const makeJoin = route(
  {
    id: 'server.makeJoin',
    method: 'GET',
    path: `${V1}/make_join/:roomId/:userId`,
    auth: 'federation',
    params: ofUser,
    query: versions,
  },
  async ({ requester, params, query }, { templates }) =>
    templates.join(requester.server, params.roomId, params.userId, query.ver),
)

export const sendJoinV2 = route(
  {
    id: 'server.sendJoinV2',
    method: 'PUT',
    path: `${V2}/send_join/:roomId/:eventId`,
    auth: 'federation',
    params: ofEvent,
    query: z.object({ omit_members: boolParam.optional() }),
    body: event,
  },
  async ({ requester, params, query, body }, { admissions }) =>
    jsonText(await admissions.join(requester.server, params.roomId, params.eventId, body, query.omit_members ?? false)),
)

/** Removed from the specification in v1.18; older servers still send it, and wrap the answer. */
export const sendJoinV1 = route(
  {
    id: 'server.sendJoinV1',
    method: 'PUT',
    path: `${V1}/send_join/:roomId/:eventId`,
    auth: 'federation',
    params: ofEvent,
    body: event,
  },
  async ({ requester, params, body }, { admissions }) => {
    const answer = await admissions.join(requester.server, params.roomId, params.eventId, body, false)
    return jsonText(new LongText('[200,', answer, ']'))
  },
)

export const makeLeave = route(
  {
    id: 'server.makeLeave',
    method: 'GET',
    path: `${V1}/make_leave/:roomId/:userId`,
    auth: 'federation',
    params: ofUser,
  },
  async ({ requester, params }, { templates }) => templates.leave(requester.server, params.roomId, params.userId),
)

export const sendLeaveV2 = route(
  {
    id: 'server.sendLeaveV2',
    method: 'PUT',
    path: `${V2}/send_leave/:roomId/:eventId`,
    auth: 'federation',
    params: ofEvent,
    body: event,
  },
  async ({ requester, params, body }, { admissions }) => {
    await admissions.leave(requester.server, params.roomId, params.eventId, body)
    return {}
  },
)

/** Removed like `sendJoinV1`. */
export const sendLeaveV1 = route(
  {
    id: 'server.sendLeaveV1',
    method: 'PUT',
    path: `${V1}/send_leave/:roomId/:eventId`,
    auth: 'federation',
    params: ofEvent,
    body: event,
  },
  async ({ requester, params, body }, { admissions }) => {
    await admissions.leave(requester.server, params.roomId, params.eventId, body)
    return [200, {}]
  },
)

export const makeKnock = route(
  {
    id: 'server.makeKnock',
    method: 'GET',
    path: `${V1}/make_knock/:roomId/:userId`,
    auth: 'federation',
    params: ofUser,
    query: versions,
  },
  async ({ requester, params, query }, { templates }) =>
    templates.knock(requester.server, params.roomId, params.userId, query.ver),
)

export const sendKnock = route(
  {
    id: 'server.sendKnock',
    method: 'PUT',
    path: `${V1}/send_knock/:roomId/:eventId`,
    auth: 'federation',
    params: ofEvent,
    body: event,
  },
  async ({ requester, params, body }, { admissions }) =>
    jsonText(await admissions.knock(requester.server, params.roomId, params.eventId, body)),
)
