import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { txnAt } from '../../services/rooms/entry.ts'
import { route } from '../route.ts'

/** The command line. */
const NO_DEVICE = { deviceNid: 0 }

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
    const txn = txnAt('notices', NO_DEVICE, randomUUID())
    const eventId = await serverNotices.send(userId, { type: 'm.room.message', content, txn })
    return { user_id: userId, event_id: eventId }
  },
)
