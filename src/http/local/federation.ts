import { z } from 'zod'
import { firstParam } from '../query.ts'
import { route } from '../route.ts'

export const listDestinations = route(
  {
    id: 'local.listDestinations',
    method: 'GET',
    path: '/local/v1/federation/destinations',
    auth: 'none',
    limit: 'none',
    query: z.object({ server: firstParam.optional() }),
  },
  async ({ query }, { federationStatus }) => ({
    destinations: (await federationStatus(query.server)).map((one) => ({
      server: one.server,
      state: one.isFailing ? 'failing' : 'well',
      waiting_events: one.waitingEvents,
      waiting_others: one.waitingOthers,
      lag_ms: one.lagMs,
      last_success_ts: one.lastSuccessTs ?? null,
      failures: one.failures,
      retry_ts: one.retryTs ?? null,
      last_error: one.lastError ?? null,
    })),
  }),
)
