import { z } from 'zod'
import { type UserId, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

export const sendToDevice = route(
  {
    id: 'client.sendToDevice',
    method: 'PUT',
    path: ['v3', 'r0'].map((version) => `/_matrix/client/${version}/sendToDevice/:eventType/:txnId`),
    auth: 'guest',
    params: z.object({ eventType: z.string().max(255), txnId: z.string().max(255) }),
    body: z.object({ messages: z.record(userId, z.record(z.string(), content)) }),
  },
  async ({ requester, params, body }, { toDevice }) => {
    const messages = Object.entries(body.messages).map(
      ([receiver, devices]) => [receiver as UserId, new Map(Object.entries(devices))] as const,
    )
    await toDevice.send(requester, params.eventType, params.txnId, new Map(messages))
    return {}
  },
)
