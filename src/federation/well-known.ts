import { isObject } from '../matrix/json.ts'
import { parseServerName } from '../matrix/server-name.ts'
import type { Answer } from '../outbound/exchange.ts'
import type { GuardedClient } from '../outbound/guarded-client.ts'
import { backoffMs } from '../util/backoff.ts'
import { type Clock, HOUR_MS, MINUTE_MS } from '../util/clock.ts'
import { lruCache } from '../util/lru.ts'

interface Deps {
  readonly client: Pick<GuardedClient, 'fetch'>
  readonly clock: Clock
}

interface Known {
  /** What the host delegates to; undefined: nothing that is valid. */
  readonly delegated: string | undefined
  readonly until: number
  /** Failures in a row. */
  readonly failures: number
}

const PATH = '/.well-known/matrix/server'
const BOUNDS = { maxBytes: 50 * 1024, timeoutMs: 10_000, maxRedirects: 5 }
const MAX_CACHED = 10_000

const USUAL_MS = 24 * HOUR_MS
const LONGEST_MS = 48 * HOUR_MS
const SHORTEST_MS = 5 * MINUTE_MS
const LONGEST_FAILURE_MS = HOUR_MS

/** Who delegates to whom by `/.well-known/matrix/server` (spec: server-server API, Resolving server names, step 3). */
export class WellKnown {
  readonly #deps: Deps
  readonly #known = lruCache<string, Known>(MAX_CACHED)
  readonly #asking = new Map<string, Promise<string | undefined>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The server name that a host delegates to, or undefined; never rejects. */
  async of(host: string): Promise<string | undefined> {
    const known = this.#known.get(host)
    if (known && known.until > this.#deps.clock.now()) return known.delegated
    let asking = this.#asking.get(host)
    if (!asking) {
      asking = this.#ask(host, known).finally(() => this.#asking.delete(host))
      this.#asking.set(host, asking)
    }
    return asking
  }

  async #ask(host: string, before: Known | undefined): Promise<string | undefined> {
    const answer = await this.#fetch(host)
    const now = this.#deps.clock.now()
    const delegated = answer && delegatedBy(answer)
    if (answer && delegated !== undefined) {
      this.#known.set(host, { delegated, until: now + lifetimeOf(answer), failures: 0 })
      return delegated
    }
    const failures = (before?.failures ?? 0) + 1
    const until = now + backoffMs(failures, MINUTE_MS, LONGEST_FAILURE_MS)
    this.#known.set(host, { delegated: undefined, until, failures })
    return undefined
  }

  #fetch(host: string): Promise<Answer | undefined> {
    const url = new URL(`https://${host}${PATH}`)
    return this.#deps.client.fetch(url, { method: 'GET' }, BOUNDS).catch(() => undefined)
  }
}

function delegatedBy({ status, body }: Answer): string | undefined {
  if (status !== 200) return undefined
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    const server = isObject(value) ? value['m.server'] : undefined
    return typeof server === 'string' && parseServerName(server) ? server : undefined
  } catch {
    return undefined // not JSON
  }
}

/** How long the answer holds, by its own headers, within limits. */
function lifetimeOf({ headers }: Answer): number {
  const control = String(headers['cache-control'] ?? '')
  if (/\bno-(?:cache|store)\b/i.test(control)) return SHORTEST_MS
  const seconds = /\bmax-age=(\d+)/i.exec(control)?.[1]
  const wanted = seconds === undefined ? USUAL_MS : Number(seconds) * 1000
  return Math.min(Math.max(wanted, SHORTEST_MS), LONGEST_MS)
}
