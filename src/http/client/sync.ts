import { z } from 'zod'
import { PRESENCES } from '../../services/presence/user-presence.ts'
import { boolParam, firstParam, intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

export const sync = route(
  {
    id: 'client.sync',
    method: 'GET',
    path: ['/_matrix/client/v3/sync', '/_matrix/client/r0/sync'],
    auth: 'guest',
    limit: 'sync',
    query: z.object({
      filter: firstParam.optional(),
      since: firstParam.optional(),
      full_state: boolParam.default(false),
      set_presence: z.enum(PRESENCES).default('online'),
      timeout: intParam.default(0),
      use_state_after: boolParam.default(false),
      'org.matrix.msc4222.use_state_after': boolParam.default(false),
    }),
  },
  async ({ requester, query, signal }, { sync, presence }) => {
    const timeoutMs = Math.max(query.timeout, 0)
    await presence.onSync(requester, query.set_presence, timeoutMs)
    const params = {
      filter: query.filter,
      since: query.since,
      fullState: query.full_state,
      timeoutMs,
      // Whoever asks by the unstable name looks for the answer under it.
      stateAfterName: query.use_state_after
        ? ('state_after' as const)
        : query['org.matrix.msc4222.use_state_after']
          ? ('org.matrix.msc4222.state_after' as const)
          : undefined,
    }
    return jsonText(await sync.answer(requester, params, signal))
  },
)
