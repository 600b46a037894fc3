import { LRUCache } from 'lru-cache'
import { invalidParam } from '../../matrix/errors.ts'
import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { Clock } from '../../util/clock.ts'
import type { Preview } from './preview.ts'

/** A room that a walk has yet to come to. */
export interface Stop {
  readonly roomId: RoomId
  readonly depth: number
  readonly via: readonly string[]
  /** What another server told of it along with its parent. */
  readonly told?: Preview | undefined
}

/** What a walk through a space was begun with: later pages cannot change it. */
export interface WalkRequest {
  readonly userId: UserId
  readonly roomId: RoomId
  readonly maxDepth: number
  readonly suggestedOnly: boolean
}

/** How far a walk has come. */
export interface Walk {
  readonly request: WalkRequest
  /** What comes next is last. */
  readonly ahead: readonly Stop[]
  /** All rooms that were ever ahead: each is visited once, which breaks loops. */
  readonly seen: ReadonlySet<string>
}

interface Deps {
  readonly clock: Clock
  random(bytes: number): Uint8Array
}

/** How long a client may take to ask for the next page. */
const KEPT_MS = 10 * 60_000
/** Rooms in all walks together: each takes some hundred bytes. */
const MAX_ROOMS = 100_000

/**
 * Walks that clients have not come to the end of. In memory: after a restart clients begin anew. A token can be used
 * again, for answers get lost.
 */
export class Walks {
  readonly #deps: Deps
  readonly #walks = new LRUCache<string, { walk: Walk; until: number }>({ maxSize: MAX_ROOMS })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  keep(walk: Walk): string {
    const token = Buffer.from(this.#deps.random(16)).toString('base64url')
    const until = this.#deps.clock.now() + KEPT_MS
    this.#walks.set(token, { walk, until }, { size: walk.ahead.length + walk.seen.size + 1 })
    return token
  }

  /** `M_INVALID_PARAM` for a token that is unknown, too old, another's, or of a walk begun with something else. */
  resume(token: string, request: WalkRequest): Walk {
    const kept = this.#walks.get(token)
    if (!kept || kept.until <= this.#deps.clock.now()) throw invalidParam('This page is not to be had any more')
    const begun = kept.walk.request
    if (begun.userId !== request.userId || begun.roomId !== request.roomId) throw invalidParam('Not a token of yours')
    if (begun.maxDepth !== request.maxDepth || begun.suggestedOnly !== request.suggestedOnly) {
      throw invalidParam('suggested_only and max_depth cannot change between pages')
    }
    return kept.walk
  }
}
