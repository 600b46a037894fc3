import type { Metrics } from '../services/metrics.ts'
import { Reply, type Route, route } from './route.ts'

const JSON_TYPE = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** `whyNotReady`: why the server cannot serve just now; `undefined` when it can. */
export const healthRoutes = (whyNotReady: () => Promise<string | undefined>): Route[] => [
  route({ id: 'ops.getHealth', method: 'GET', path: '/health', auth: 'none', limit: 'none' }, async () => {
    const reason = await whyNotReady()
    if (reason === undefined) return new Reply(200, JSON_TYPE, JSON.stringify({ status: 'ok' }))
    return new Reply(503, JSON_TYPE, JSON.stringify({ status: 'unavailable', reason }))
  }),
]

/** For Prometheus; on a listener of its own it can be kept internal. */
export const metricsRoutes = (metrics: Metrics): Route[] => [
  route(
    { id: 'ops.getMetrics', method: 'GET', path: '/metrics', auth: 'none', limit: 'none' },
    async () => new Reply(200, { 'content-type': metrics.contentType }, await metrics.collect()),
  ),
]
