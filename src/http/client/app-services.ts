import { z } from 'zod'
import { forbidden } from '../../matrix/errors.ts'
import { route } from '../route.ts'

export const pingAppservice = route(
  {
    id: 'client.pingAppservice',
    method: 'POST',
    path: [
      '/_matrix/client/v1/appservice/:appserviceId/ping',
      '/_matrix/client/unstable/fi.mau.msc2659/appservice/:appserviceId/ping',
    ],
    auth: 'user',
    params: z.object({ appserviceId: z.string() }),
    body: z.object({ transaction_id: z.string().optional() }),
  },
  async ({ requester: { appservice }, params, body }, { pingAppService }) => {
    if (appservice?.id !== params.appserviceId) throw forbidden('This is not the token of that application service')
    return { duration_ms: await pingAppService(appservice, body.transaction_id) }
  },
)
