import type { LRUCache } from 'lru-cache'
import { MatrixError } from '../matrix/errors.ts'
import type { Clock } from '../util/clock.ts'
import { lruCache } from '../util/lru.ts'

/** A token bucket: `burst` requests at once, and `perSecond` in the long run. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** The limits of one class of requests. What is left out is not limited. */
export interface ClassLimits {
  readonly user?: Rate
  readonly address?: Rate
}

interface Deps {
  readonly clock: Clock
  /** By class; a class that is left out is not limited. */
  readonly limits: Readonly<Record<string, ClassLimits | undefined>>
  /** Buckets in memory; the least recently used go first, and start full when they come back. */
  readonly maxBuckets?: number
}

interface Bucket {
  tokens: number
  at: number
}

const DEFAULT_MAX_BUCKETS = 50_000
/** What adding fractions may lose. */
const EPSILON = 1e-9

/** Counts requests per user, per address and per class. Memory only: losing it on restart is harmless. */
export class RateLimits {
  readonly #deps: Deps
  readonly #buckets: LRUCache<string, Bucket>

  constructor(deps: Deps) {
    this.#deps = deps
    this.#buckets = lruCache(deps.maxBuckets ?? DEFAULT_MAX_BUCKETS)
  }

  /**
   * Counts one request against all its limits, or throws `M_LIMIT_EXCEEDED` and counts nothing. One that does something
   * many `times` at once may begin as soon as one time is left, and makes the next one wait for all of them.
   */
  count(limitClass: string, who: { userId?: string | undefined; address?: string | undefined }, times = 1): void {
    const limits = this.#deps.limits[limitClass]
    if (limits === undefined) return
    const user = who.userId && limits.user ? this.#bucket(`${limitClass} ${who.userId}`, limits.user) : undefined
    const address =
      who.address && limits.address
        ? this.#bucket(`${limitClass} ${networkOf(who.address)}`, limits.address)
        : undefined
    const waitMs = Math.max(waitFor(user, limits.user), waitFor(address, limits.address))
    if (waitMs > 0) throw limitExceeded(waitMs)
    if (user) user.tokens -= times
    if (address) address.tokens -= times
  }

  /** Counts against a key of the caller's choice, with a rate of its own: failed logins of one account. */
  countKey(key: string, rate: Rate): void {
    const bucket = this.#bucket(key, rate)
    const waitMs = waitFor(bucket, rate)
    if (waitMs > 0) throw limitExceeded(waitMs)
    bucket.tokens -= 1
  }

  /** Whether `countKey` would throw; counts nothing. */
  checkKey(key: string, rate: Rate): void {
    const waitMs = waitFor(this.#bucket(key, rate), rate)
    if (waitMs > 0) throw limitExceeded(waitMs)
  }

  /** A bucket, refilled up to now. */
  #bucket(key: string, rate: Rate): Bucket {
    const now = this.#deps.clock.now()
    const known = this.#buckets.get(key)
    if (known === undefined) {
      const bucket = { tokens: rate.burst, at: now }
      this.#buckets.set(key, bucket)
      return bucket
    }
    const elapsedMs = Math.max(0, now - known.at) // a clock that was set back refills nothing
    known.tokens = Math.min(rate.burst, known.tokens + (elapsedMs / 1000) * rate.perSecond)
    known.at = now
    return known
  }
}

/** Milliseconds until the bucket has a whole token; 0 when it has one now. */
function waitFor(bucket: Bucket | undefined, rate: Rate | undefined): number {
  if (bucket === undefined || rate === undefined || bucket.tokens >= 1 - EPSILON) return 0
  return Math.max(1, Math.ceil(((1 - bucket.tokens) / rate.perSecond) * 1000))
}

const limitExceeded = (retryAfterMs: number) =>
  new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests', { fields: { retry_after_ms: retryAfterMs } })

/** An IPv6 network of 64 bits counts as one address: whoever has one address there has them all. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const front = groupsOf(head)
  const back = groupsOf(tail)
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return [...front, ...zeros, ...back].slice(0, 4).join(':')
}

const groupsOf = (text: string): string[] => text.split(':').filter((group) => group !== '')
