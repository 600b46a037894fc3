import { readFileSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import { createHttpServer, type HttpServer, type Listener } from '../http/app.ts'
import { healthRoutes, metricsRoutes } from '../http/health.ts'
import type { Route } from '../http/route.ts'
import { clientRoutes, federationRoutes, localRoutes } from '../http/routes.ts'
import { currentPosition } from '../storage/counter.ts'
import type { Ground } from './ground.ts'
import type { Services } from './services.ts'
import { httpLimitsOf } from './settings.ts'

/** The HTTP servers that the configuration asks for, over the services. */
export function composeListeners(config: Config, ground: Ground, services: Services): HttpServer {
  const { metrics, rateLimits, log, db } = ground
  const whyNotReady = () =>
    currentPosition(db).then(
      () => undefined,
      () => 'the database does not answer',
    )
  const routes: Record<Config['listeners'][number]['serves'][number], readonly Route[]> = {
    client: clientRoutes,
    federation: federationRoutes,
    health: healthRoutes(whyNotReady),
    metrics: metricsRoutes(metrics),
  }
  const local: Listener = {
    at: { socket: config.paths.socket_file },
    routes: [...localRoutes, ...routes.health],
  }
  const outside = config.listeners.map(
    ({ address, port, serves, tls }): Listener => ({
      at: { host: address, port },
      routes: [...new Set(serves.flatMap((api) => routes[api]))],
      ...(tls && { tls: { cert: readFileSync(tls.certificate_file), key: readFileSync(tls.key_file) } }),
    }),
  )
  return createHttpServer({
    listeners: [...outside, local],
    services,
    authenticator: services.identities,
    peers: services.requestAuth,
    rateLimits,
    metrics,
    log,
    limits: httpLimitsOf(config),
    trustedProxies: config.trusted_proxies,
    tokenInQuery: config.http.token_in_query,
  })
}
