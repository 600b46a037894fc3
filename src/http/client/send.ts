import { z } from 'zod'
import { roomId } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'
import { bounded, delayable, delayOf, timeOf } from './event-input.ts'

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
    query: delayable,
    body: content,
    allowNul: true,
  },
  async ({ requester, params, query, body }, { sending, delayedEvents }) => {
    const { roomId, eventType: type, txnId } = params
    const ts = timeOf(requester, query)
    const delayMs = delayOf(query)
    if (delayMs !== undefined) {
      const event = { type, content: body, ts }
      return { delay_id: await delayedEvents.schedule(requester, roomId, event, delayMs, txnId) }
    }
    const { eventId } = await sending.message({ ...requester, ts }, roomId, type, txnId, body)
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
    query: delayable,
    body: content,
    allowNul: true,
  },
  async ({ requester, params, query, body }, { sending, delayedEvents }) => {
    const { roomId, eventType: type, stateKey = '' } = params
    const ts = timeOf(requester, query)
    const delayMs = delayOf(query)
    if (delayMs !== undefined) {
      const event = { type, stateKey, content: body, ts }
      return { delay_id: await delayedEvents.schedule(requester, roomId, event, delayMs, undefined) }
    }
    const { eventId } = await sending.state({ ...requester, ts }, roomId, type, stateKey, body)
    return { event_id: eventId }
  },
)
