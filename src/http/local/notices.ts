import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { route } from '../route.ts'

/** No device: the command line. */
const NO_DEVICE = 0

export const sendNotice = route(
  {
    id: 'local.sendNotice',
    method: 'POST',
    path: '/local/v1/notices',
    auth: 'none',
    limit: 'none',
    body: z.object({ user: z.string().min(1).max(255), text: z.string().min(1) }),
  },
  async ({ body }, { accounts, serverNotices }) => {
    const { userId } = await accounts.get(body.user)
    const content = { msgtype: 'm.text', body: body.text }
    const txn = { deviceNid: NO_DEVICE, txnId: randomUUID() }
    const eventId = await serverNotices.send(userId, { type: 'm.room.message', content, txn })
    return { user_id: userId, event_id: eventId }
  },
)
