import { z } from 'zod'
import { roomId } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

/** Types, state keys and transaction ids share the limit of 255 bytes (spec: size limits). */
const bounded = z.string().refine((text) => Buffer.byteLength(text) <= 255, 'Longer than 255 bytes')

export const sendMessage = route(
  {
    id: 'client.sendMessage',
    method: 'PUT',
    path: [
      '/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId',
      '/_matrix/client/r0/rooms/:roomId/send/:eventType/:txnId',
    ],
    auth: 'guest',
    limit: 'message',
    refusesSuspended: true,
    params: z.object({ roomId, eventType: bounded, txnId: bounded }),
    body: content,
    allowNul: true,
  },
  async ({ requester, params, body }, { sending }) => {
    const { eventId } = await sending.message(requester, params.roomId, params.eventType, params.txnId, body)
    return { event_id: eventId }
  },
)

export const redactEvent = route(
  {
    id: 'client.redactEvent',
    method: 'PUT',
    path: [
      '/_matrix/client/v3/rooms/:roomId/redact/:eventId/:txnId',
      '/_matrix/client/r0/rooms/:roomId/redact/:eventId/:txnId',
    ],
    auth: 'user',
    limit: 'message',
    params: z.object({ roomId, eventId: bounded, txnId: bounded }),
    body: content,
    allowNul: true,
  },
  async ({ requester, params, body }, { sending }) => {
    const { redacts: _redacts, ...rest } = body
    const { eventId } = await sending.redact(requester, params.roomId, params.eventId, params.txnId, rest)
    return { event_id: eventId }
  },
)

export const setRoomStateWithKey = route(
  {
    id: 'client.setRoomStateWithKey',
    method: 'PUT',
    path: [
      '/_matrix/client/v3/rooms/:roomId/state/:eventType',
      '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
      '/_matrix/client/r0/rooms/:roomId/state/:eventType',
      '/_matrix/client/r0/rooms/:roomId/state/:eventType/:stateKey',
    ],
    auth: 'guest',
    limit: 'message',
    refusesSuspended: true,
    params: z.object({ roomId, eventType: bounded, stateKey: bounded.optional() }),
    body: content,
    allowNul: true,
  },
  async ({ requester, params, body }, { sending }) => {
    const { eventType, stateKey = '' } = params
    const { eventId } = await sending.state(requester, params.roomId, eventType, stateKey, body)
    return { event_id: eventId }
  },
)
