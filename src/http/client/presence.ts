import { z } from 'zod'
import { userId } from '../../matrix/ids.ts'
import { PRESENCES } from '../../services/presence/user-presence.ts'
import { route } from '../route.ts'
import { requireSelf } from './own.ts'

const paths = ['v3', 'r0'].map((version) => `/_matrix/client/${version}/presence/:userId/status`)

export const setPresence = route(
  {
    id: 'client.setPresence',
    method: 'PUT',
    path: paths,
    auth: 'user',
    params: z.object({ userId }),
    body: z.object({ presence: z.enum(PRESENCES), status_msg: z.string().max(1_000).nullish() }),
  },
  async ({ requester, params, body }, { presence }) => {
    requireSelf(requester, params.userId)
    await presence.set(requester, body.presence, body.status_msg ?? undefined)
    return {}
  },
)

export const getPresence = route(
  { id: 'client.getPresence', method: 'GET', path: paths, auth: 'user', params: z.object({ userId }) },
  ({ requester, params }, { presence }) => presence.get(requester, params.userId),
)
