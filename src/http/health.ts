import type { Metrics } from '../services/metrics.ts'
import { Reply, type Route, route } from './route.ts'

interface Deps {
  /** Why the server cannot serve just now; `undefined` when it can. */
  readonly whyNotReady: () => Promise<string | undefined>
  readonly metrics: Metrics
}

const JSON_TYPE = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** `/health` and `/metrics`, for a listener that can be kept internal. */
export function healthRoutes({ whyNotReady, metrics }: Deps): Route[] {
  const getHealth = route(
    { id: 'ops.getHealth', method: 'GET', path: '/health', auth: 'none', limit: 'none' },
    async () => {
      const reason = await whyNotReady()
      if (reason === undefined) return new Reply(200, JSON_TYPE, JSON.stringify({ status: 'ok' }))
      return new Reply(503, JSON_TYPE, JSON.stringify({ status: 'unavailable', reason }))
    },
  )
  const getMetrics = route(
    { id: 'ops.getMetrics', method: 'GET', path: '/metrics', auth: 'none', limit: 'none' },
    async () => new Reply(200, { 'content-type': metrics.contentType }, await metrics.collect()),
  )
  return [getHealth, getMetrics]
}
