// The pool alone: undici's main file would also load a browser's fetch, caches and mocks, each server some 2 MiB of them.
import Pool from 'undici/lib/dispatcher/pool.js'
import { lruCache } from '../util/lru.ts'
import { AddressBlocked, type Dialer } from './dialer.ts'
import {
  type Answer,
  type Bounds,
  exchange,
  type OpenAnswer,
  openExchange,
  type Patience,
  type Question,
} from './exchange.ts'

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

/** Of a fetch that follows redirects. */
export interface FetchBounds extends Bounds {
  readonly maxRedirects: number
  /** A rule beyond that about addresses; asked for the URL itself and for each redirect. */
  readonly mayVisit?: (url: URL) => boolean
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
  readonly #pools = lruCache<string, Pool>(MAX_POOLS, { dispose: (pool) => closeQuietly(pool) })

  constructor(dialer: Dialer) {
    this.#dialer = dialer
  }

  /** Sends a request to a destination; redirects are answers like any other. */
  request(destination: Destination, question: Question, bounds: Bounds): Promise<Answer> {
    const headers = { host: destination.hostHeader, ...question.headers }
    return exchange(this.#poolOf(destination), originOf(destination), { ...question, headers }, bounds)
  }

  /** The same, for an answer that is read as it comes. */
  open(destination: Destination, question: Question, patience: Patience): Promise<OpenAnswer> {
    const headers = { host: destination.hostHeader, ...question.headers }
    return openExchange(this.#poolOf(destination), originOf(destination), { ...question, headers }, patience)
  }

  /**
   * Fetches a URL that a stranger chose, following up to `maxRedirects` redirects, each of which is checked like the
   * first. From https it never leads to http. The answer says where it came from in the end.
   */
  fetch(url: URL, question: Omit<Question, 'path'>, bounds: FetchBounds): Promise<Answer & { readonly url: URL }> {
    return follow(url, bounds.maxRedirects, async (at) => {
      if (bounds.mayVisit?.(at) === false) throw new AddressBlocked(`${at.host} must not be visited`)
      const answer = await this.request(destinationOf(at), { ...question, path: at.pathname + at.search }, bounds)
      return { ...answer, url: at }
    })
  }

  /** The same, for an answer that is read as it comes. */
  openUrl(
    url: URL,
    question: Omit<Question, 'path'>,
    patience: Patience & { maxRedirects: number },
  ): Promise<OpenAnswer> {
    return follow(url, patience.maxRedirects, async (at) => {
      const answer = await this.open(destinationOf(at), { ...question, path: at.pathname + at.search }, patience)
      if (locationOf(answer) !== undefined) answer.body.destroy()
      return answer
    })
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

type Head = Pick<Answer, 'status' | 'headers'>

/** Asks one URL after the other, as long as each leads to the next. */
async function follow<A extends Head>(url: URL, maxRedirects: number, ask: (at: URL) => Promise<A>): Promise<A> {
  for (let at = url, hops = 0; ; hops++) {
    const answer = await ask(at)
    const location = locationOf(answer)
    if (location === undefined) return answer
    if (hops === maxRedirects) throw new Error('Too many redirects')
    const next = new URL(location, at)
    if (at.protocol === 'https:' && next.protocol !== 'https:') throw new Error('Redirected to a place without TLS')
    at = next
  }
}

/** Where an answer leads to, if it is a redirect. */
function locationOf({ status, headers: { location } }: Head): string | undefined {
  return status >= 301 && status <= 308 && typeof location === 'string' ? location : undefined
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
