import { z } from 'zod'
import type { Services } from '../../compose/services.ts'
import { roomId } from '../../matrix/ids.ts'
import type { Waiting } from '../../services/rooms/send/delayed-events.ts'
import { route } from '../route.ts'
import { content } from './content.ts'
import { bounded, invitesBy, timed, timeOf } from './event-input.ts'

const PREFIX = '/_matrix/client/unstable/org.matrix.msc4140'
const event = z.object({ delay_ms: z.int().positive(), state_key: bounded.optional(), content })

/** The endpoint of the newest draft of MSC4140; clients still send their delay with `/send` and `/state`. */
export const scheduleDelayedEvent = route(
  {
    id: 'client.scheduleDelayedEvent',
    method: 'PUT',
    path: `${PREFIX}/rooms/:roomId/delayed_event/:eventType/:txnId`,
    auth: 'guest',
    limit: 'message',
    alsoDoes: ({ params, body }) => invitesBy(params.eventType, body.content),
    refusesSuspended: true,
    params: z.object({ roomId, eventType: bounded, txnId: bounded }),
    query: timed,
    body: event,
    allowNul: true,
  },
  async ({ requester, params, query, body }, { delayedEvents }) => {
    const { roomId, eventType: type, txnId } = params
    const event = { type, stateKey: body.state_key, content: body.content, ts: timeOf(requester, query) }
    return { delay_id: await delayedEvents.schedule(requester, roomId, event, body.delay_ms, txnId) }
  },
)

export const listDelayedEvents = route(
  { id: 'client.listDelayedEvents', method: 'GET', path: `${PREFIX}/delayed_events`, auth: 'guest' },
  async ({ requester }, { delayedEvents }) => ({
    delayed_events: (await delayedEvents.list(requester.userNid)).map(shown),
  }),
)

export const getDelayedEvent = route(
  {
    id: 'client.getDelayedEvent',
    method: 'GET',
    path: `${PREFIX}/delayed_events/:delayId`,
    auth: 'guest',
    params: z.object({ delayId: z.string() }),
  },
  async ({ requester, params }, { delayedEvents }) => shown(await delayedEvents.get(requester.userNid, params.delayId)),
)

/** The second names of the times are those of earlier drafts, which clients read. */
const shown = ({ delayId, roomId, type, stateKey, content, delayMs, since }: Waiting) => ({
  delay_id: delayId,
  room_id: roomId,
  type,
  ...(stateKey !== undefined && { state_key: stateKey }),
  content,
  delay_ms: delayMs,
  delay: delayMs,
  scheduled_at: since,
  running_since: since,
})

const ACTS = {
  restart: ({ delayedEvents }: Services, delayId: string) => delayedEvents.restart(delayId),
  cancel: ({ delayedEvents }: Services, delayId: string) => delayedEvents.cancel(delayId),
  send: ({ delayedEvents }: Services, delayId: string) => delayedEvents.sendNow(delayId),
}

/**
 * Without a token too: a client in a call hands the `delay_id`, which nobody can guess, to the server that carries the
 * call, which knows best when the client is gone.
 */
const manage = (action: keyof typeof ACTS) =>
  route(
    {
      id: `client.${action}DelayedEvent`,
      method: 'POST',
      path: `${PREFIX}/delayed_events/:delayId/${action}`,
      auth: 'optional',
      params: z.object({ delayId: z.string() }),
      body: z.object({}),
    },
    async ({ params }, services) => {
      await ACTS[action](services, params.delayId)
      return {}
    },
  )

export const restartDelayedEvent = manage('restart')
export const cancelDelayedEvent = manage('cancel')
export const sendDelayedEvent = manage('send')

/** An earlier draft, which Element Call's clients of 2025 still speak: the action is in the body. */
export const updateDelayedEvent = route(
  {
    id: 'client.updateDelayedEvent',
    method: 'POST',
    path: `${PREFIX}/delayed_events/:delayId`,
    auth: 'optional',
    params: z.object({ delayId: z.string() }),
    body: z.object({ action: z.enum(['restart', 'cancel', 'send']) }),
  },
  async ({ params, body }, services) => {
    await ACTS[body.action](services, params.delayId)
    return {}
  },
)
