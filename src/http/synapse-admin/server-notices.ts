import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Services } from '../../compose/services.ts'
import { forbidden } from '../../matrix/errors.ts'
import { userId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { txnAt } from '../../services/rooms/entry.ts'
import { content } from '../client/content.ts'
import { bounded } from '../client/event-input.ts'
import { parsePart } from '../parse.ts'
import { type Requester, route } from '../route.ts'

const PATH = '/_synapse/admin/v1/send_server_notice'
const notice = z.object({
  user_id: userId,
  type: bounded.default('m.room.message'),
  state_key: bounded.optional(),
  content,
})

/** Whoever is no administrator is told so, whatever the body says. */
async function send(requester: Requester, body: JsonObject, txnId: string, { serverNotices }: Services) {
  if (!requester.isAdmin) throw forbidden('Only administrators can do this')
  const { user_id: target, type, state_key: stateKey, content } = parsePart('body', notice, body)
  const txn = txnAt('send_server_notice', requester, txnId)
  return { event_id: await serverNotices.send(target, { type, stateKey, content, txn }) }
}

export const sendServerNotice = route(
  { id: 'synapse.sendServerNotice', method: 'POST', path: PATH, auth: 'user', limit: 'message', body: content },
  ({ requester, body }, services) => send(requester, body, randomUUID(), services),
)

export const sendServerNoticeOnce = route(
  {
    id: 'synapse.sendServerNoticeOnce',
    method: 'PUT',
    path: `${PATH}/:txnId`,
    auth: 'user',
    limit: 'message',
    params: z.object({ txnId: bounded }),
    body: content,
  },
  ({ requester, params, body }, services) => send(requester, body, params.txnId, services),
)
