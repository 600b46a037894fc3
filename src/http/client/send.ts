import { z } from 'zod'
import { badJson } from '../../matrix/errors.ts'
import { roomId } from '../../matrix/ids.ts'
import { txnAt } from '../../services/rooms/entry.ts'
import { route } from '../route.ts'
import { content } from './content.ts'
import { bounded, delayable, delayOf, invitesBy, timeOf } from './event-input.ts'

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
    const txn = txnAt(`send/${type}`, requester, txnId)
    const { eventId } = await sending.message({ ...requester, ts, txn }, roomId, type, body)
    return { event_id: eventId }
  },
)

/** What MSC3912 called `with_rel_types` first. */
const WITH_RELATIONS = 'org.matrix.msc3912.with_relations'
const MAX_REL_TYPES = 50
const relTypes = z.array(z.string()).max(MAX_REL_TYPES).default([])

function relTypesOf(given: unknown): readonly string[] {
  const { data, success } = relTypes.safeParse(given)
  if (!success) throw badJson('`with_rel_types` is a list of relation types')
  return data
}

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
  async ({ requester, params, body }, { sending, redactRelated }) => {
    const { roomId, eventId: redacted, txnId } = params
    const { redacts: _redacts, with_rel_types, [WITH_RELATIONS]: withRelations, ...rest } = body
    const relTypes = relTypesOf(with_rel_types ?? withRelations)
    const txn = txnAt(`redact/${redacted}`, requester, txnId)
    const { eventId } = await sending.redact({ ...requester, txn }, roomId, redacted, rest)
    // What relates to it may be what others said.
    if (relTypes.length > 0 && !requester.isSuspended) {
      const { userId: sender } = requester
      await redactRelated({ roomId, eventId: redacted, sender, relTypes, content: rest })
    }
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
    alsoDoes: ({ params, body }) => invitesBy(params.eventType, body),
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
