import { LRUCache } from 'lru-cache'
import { Pool } from 'undici'
import type { Dialer } from './dialer.ts'
import { type Answer, type Bounds, exchange, type Question } from './exchange.ts'

/** Where a request goes. */
export interface Destination {
  /** `https`, except where a URL says otherwise. */
  readonly scheme: 'https' | 'http'
  /** Hosts and ports to connect to, in the order to try them. */
  readonly endpoints: readonly { readonly host: string; readonly port: number }[]
  /** Whose certificate the server must show; also the name that is sent, unless it is an address. */
  readonly tlsName: string
  /** The `Host` header. */
  readonly hostHeader: string
}

const MAX_POOLS = 500
const CONNECTIONS = 8
const CONNECT_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 60_000

/**
 * The one way out: every request whose address somebody else chose goes through it. It reaches only allowed addresses,
 * reads bounded answers in bounded time, and keeps a pool of connections for each destination.
 */
export class GuardedClient {
  readonly #dialer: Dialer
  readonly #pools = new LRUCache<string, Pool>({ max: MAX_POOLS, dispose: (pool) => closeQuietly(pool) })

  constructor(dialer: Dialer) {
    this.#dialer = dialer
  }

  /** Sends a request to a destination; redirects are answers like any other. */
  request(destination: Destination, question: Question, bounds: Bounds): Promise<Answer> {
    const headers = { host: destination.hostHeader, ...question.headers }
    return exchange(this.#poolOf(destination), originOf(destination), { ...question, headers }, bounds)
  }

  /**
   * Fetches a URL that a stranger chose, following up to `maxRedirects` redirects, each of which is checked like the
   * first. From https it never leads to http.
   */
  async fetch(url: URL, question: Omit<Question, 'path'>, bounds: Bounds & { maxRedirects: number }): Promise<Answer> {
    for (let at = url, hops = 0; ; hops++) {
      const answer = await this.request(destinationOf(at), { ...question, path: at.pathname + at.search }, bounds)
      const { location } = answer.headers
      if (answer.status < 301 || answer.status > 308 || typeof location !== 'string') return answer
      if (hops === bounds.maxRedirects) throw new Error('Too many redirects')
      const next = new URL(location, at)
      if (at.protocol === 'https:' && next.protocol !== 'https:') throw new Error('Redirected to a place without TLS')
      at = next
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }

  #poolOf(destination: Destination): Pool {
    const { scheme, endpoints, tlsName } = destination
    const key = `${scheme} ${tlsName} ${endpoints.map(({ host, port }) => `${host}:${port}`).join(' ')}`
    let pool = this.#pools.get(key)
    if (!pool) {
      pool = new Pool(originOf(destination), {
        connections: CONNECTIONS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connect: (_options, callback) => {
          this.#connect(destination).then(
            (socket) => callback(null, socket),
            (error) => callback(error instanceof Error ? error : new Error(String(error)), null),
          )
        },
      })
      this.#pools.set(key, pool)
    }
    return pool
  }

  /** To the first endpoint that answers; fails with what the last one said. */
  async #connect({ scheme, endpoints, tlsName }: Destination) {
    let failure: unknown = new Error('There is nowhere to connect to')
    for (const { host, port } of endpoints) {
      const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS)
      try {
        const socket = await this.#dialer.dial(host, port, signal)
        return scheme === 'https' ? await this.#dialer.secure(socket, tlsName, signal) : socket
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }
}

/** The destination of a URL of the web: no discovery, its own host. */
export function destinationOf(url: URL): Destination {
  const isPlain = url.protocol === 'http:'
  if (!isPlain && url.protocol !== 'https:') throw new Error(`Not a web address: ${url.protocol}`)
  return {
    scheme: isPlain ? 'http' : 'https',
    endpoints: [{ host: url.hostname, port: Number(url.port) || (isPlain ? 80 : 443) }],
    tlsName: url.hostname,
    hostHeader: url.host,
  }
}

/** For undici, which wants one; where it connects is decided above. */
const originOf = ({ scheme, tlsName, endpoints }: Destination): string =>
  `${scheme}://${tlsName}:${endpoints[0]?.port ?? 0}`

/** Requests under way are answered; idle connections end. */
function closeQuietly(pool: Pool): void {
  pool.close().catch(() => {})
}
