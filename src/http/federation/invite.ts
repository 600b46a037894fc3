import { z } from 'zod'
import { eventId, roomId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { route } from '../route.ts'

const params = z.object({ roomId, eventId })
const event = z.custom<JsonObject>(isObject, 'Not an object')
const state = z.array(z.unknown()).optional()
/** Rooms that the first form of the endpoint is for; it does not say which of the two. */
const V1_ROOM = '1'

export const sendInviteV2 = route(
  {
    id: 'server.sendInviteV2',
    method: 'PUT',
    path: '/_matrix/federation/v2/invite/:roomId/:eventId',
    auth: 'federation',
    params,
    body: z.object({ room_version: z.string(), event, invite_room_state: state }),
  },
  async ({ requester, params: path, body }, { receivedInvites }) => ({
    event: await receivedInvites.receive(requester.server, {
      ...path,
      roomVersion: body.room_version,
      event: body.event,
      roomState: body.invite_room_state ?? [],
    }),
  }),
)

export const sendInviteV1 = route(
  {
    id: 'server.sendInviteV1',
    method: 'PUT',
    path: '/_matrix/federation/v1/invite/:roomId/:eventId',
    auth: 'federation',
    params,
    body: event,
  },
  async ({ requester, params: path, body }, { receivedInvites }) => {
    const { invite_room_state: shown } = isObject(body.unsigned) ? body.unsigned : {}
    const roomState = Array.isArray(shown) ? shown : []
    const invite = { ...path, roomVersion: V1_ROOM, event: body, roomState }
    return [200, { event: await receivedInvites.receive(requester.server, invite) }]
  },
)
