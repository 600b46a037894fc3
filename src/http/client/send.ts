import { z } from 'zod'
import { invalidParam } from '../../matrix/errors.ts'
import { roomId } from '../../matrix/ids.ts'
import { firstParam } from '../query.ts'
import { type Requester, route } from '../route.ts'
import { content } from './content.ts'

/** Types, state keys and transaction ids share the limit of 255 bytes (spec: size limits). */
const bounded = z.string().refine((text) => Buffer.byteLength(text) <= 255, 'Longer than 255 bytes')

/** Application services alone may say when an event happened (spec: application service API, Timestamp massaging). */
const timed = z.object({ ts: firstParam.optional() })

function timeOf({ appservice }: Requester, { ts }: z.output<typeof timed>): number | undefined {
  if (!appservice || ts === undefined) return undefined
  if (!/^\d{1,16}$/.test(ts) || !Number.isSafeInteger(Number(ts))) throw invalidParam('ts is a time in milliseconds')
  return Number(ts)
}

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
    query: timed,
    body: content,
    allowNul: true,
  },
  async ({ requester, params, query, body }, { sending }) => {
    const sender = { ...requester, ts: timeOf(requester, query) }
    const { eventId } = await sending.message(sender, params.roomId, params.eventType, params.txnId, body)
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
    query: timed,
    body: content,
    allowNul: true,
  },
  async ({ requester, params, query, body }, { sending }) => {
    const { eventType, stateKey = '' } = params
    const sender = { ...requester, ts: timeOf(requester, query) }
    const { eventId } = await sending.state(sender, params.roomId, eventType, stateKey, body)
    return { event_id: eventId }
  },
)
