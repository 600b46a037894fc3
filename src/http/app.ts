import { rmSync } from 'node:fs'
import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { relative } from 'node:path'
import type { Logger } from 'pino'
import type { Services } from '../compose/services.ts'
import type { Metrics } from '../services/metrics.ts'
import { addressReader } from './address.ts'
import { BodyReader } from './body.ts'
import { Drain } from './drain.ts'
import type { Authenticator } from './guard.ts'
import { LeanKoa } from './lean-koa.ts'
import { type HttpLimits, limitServer, serverOptions } from './limits.ts'
import { mountRoutes } from './mount.ts'
import type { PeerAuthenticator } from './peer.ts'
import type { RequestLimiter } from './request-limiter.ts'
import { RequestLog } from './request-log.ts'
import type { Route } from './route.ts'
import { hangUpOnUnread } from './unread-body.ts'

/** Where to listen, and what is served there. */
export interface Listener {
  readonly routes: readonly Route[]
  /** A TCP address, or a Unix socket's path. Port 0: any free one. */
  readonly at: { readonly host: string; readonly port: number } | { readonly socket: string }
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}

export interface HttpServerDeps {
  readonly listeners: readonly Listener[]
  readonly services: Services
  readonly authenticator: Authenticator
  readonly peers: PeerAuthenticator
  readonly rateLimits: RequestLimiter
  readonly metrics: Metrics
  readonly log: Logger
  readonly limits: HttpLimits
  readonly trustedProxies: readonly string[]
  /** Tokens in `?access_token=` still count. */
  readonly tokenInQuery: boolean
}

export interface HttpServer {
  /** Resolves when all listeners listen; rejects, with none left open, when one cannot. */
  listen(): Promise<void>
  /** The addresses in the order of the listeners; a Unix socket's is its path. */
  addresses(): (AddressInfo | string)[]
  /** Takes no new connections, lets long polls answer, cuts nothing that was accepted; what still runs after `graceMs` is cut. */
  close(graceMs?: number): Promise<void>
}

const GRACE_MS = 4500
/** What was cut may still be writing to the database: it gets so long to finish before that closes. */
const LAST_WORK_MS = 400
/** A client may be sending on a connection that looks idle from here: it gets this part of the grace to be heard, 250 ms. */
const IDLE_PART = 1 / 18
/** How often connections are then looked at again, 50 ms. */
const POLL_PART = 1 / 90

/** The HTTP servers of the process, one for each listener, over one set of services. */
export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const drain = new Drain()
  const { metrics, limits } = deps
  const bodies = new BodyReader({ timeoutMs: limits.bodyTimeoutMs, maxBufferedBytes: limits.maxBufferedBytes })
  const serveDeps = {
    ...deps,
    bodies,
    drain,
    addressOf: addressReader(deps.trustedProxies),
    requestLog: new RequestLog(deps.log),
    requestRecorder: (operation: string) => metrics.requestRecorder(operation),
    nextRequestId: requestIds(),
  }
  const open = deps.listeners.map((listener) => {
    const app = new LeanKoa()
    // Whatever can be answered was answered by then.
    app.on('error', (err: Error) => deps.log.error({ err }, 'a request failed after its answer'))
    app.use(mountRoutes(listener.routes, serveDeps))
    return { listener, server: makeServer(listener, app, limits) }
  })
  metrics.gauge('http_buffered_body_bytes', 'Request bodies being received', () => bodies.bufferedBytes)
  metrics.gauge('http_waiting_requests', 'Requests that wait for something to happen', () => drain.waiting)
  return {
    listen: async () => {
      try {
        await Promise.all(open.map(({ server, listener }) => listen(server, listener)))
      } catch (error) {
        for (const { server } of open) server.close()
        throw error
      }
    },
    addresses: () => open.map(({ server }) => server.address() ?? ''),
    close: async (graceMs = GRACE_MS) => {
      drain.start()
      await Promise.all(open.map(({ server }) => closeGently(server, graceMs)))
      await drain.end(LAST_WORK_MS)
    },
  }
}

function makeServer({ tls }: Listener, app: LeanKoa, limits: HttpLimits): Server {
  const serve = app.callback()
  const handle = (req: IncomingMessage, res: ServerResponse) => {
    hangUpOnUnread(req, res, limits.bodyTimeoutMs)
    return serve(req, res)
  }
  const options = serverOptions(limits)
  const server = tls ? createTlsServer({ ...options, ...tls }, handle) : createPlainServer(options, handle)
  server.on('checkContinue', handle) // the body is asked for when it is wanted, see body.ts
  limitServer(server, limits)
  return server
}

function listen(server: Server, { at }: Listener): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const onListening = () => {
      server.off('error', reject)
      resolve()
    }
    if ('socket' in at) listenOnSocket(server, at.socket, onListening)
    else server.listen({ host: at.host, port: at.port }, onListening)
  })
}

/** A socket that only the server's own user can open. One that is there already was left by a process that was killed. */
function listenOnSocket(server: Server, path: string, onListening: () => void): void {
  rmSync(path, { force: true })
  const before = process.umask(0o177)
  server.listen({ path: shortest(path) }, onListening) // makes the file before it returns
  process.umask(before)
}

/** The system takes no more than about a hundred bytes: a deep directory may still be reached from where we stand. */
function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.length < path.length ? fromHere : path
}

async function closeGently(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return
  // Not http's own close(): that cuts idle connections at once, also those on which a request is just arriving.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
  const idle = setTimeout(() => {
    const sweep = setInterval(() => server.closeIdleConnections(), graceMs * POLL_PART)
    server.once('close', () => clearInterval(sweep))
    server.closeIdleConnections()
  }, graceMs * IDLE_PART)
  const last = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(idle)
  clearTimeout(last)
  server.close() // stops the timer that checks connections; the server itself is closed
}

/** Ids that are unique among the processes and starts that one log is likely to hold. */
function requestIds(): () => string {
  const start = `${Math.trunc(performance.timeOrigin).toString(36)}-`
  let count = 0
  return () => start + (++count).toString(36)
}
