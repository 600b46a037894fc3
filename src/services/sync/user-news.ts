import type { UserId } from '../../matrix/ids.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'
import type { Typing } from '../typing.ts'
import type { Point } from './request.ts'

interface Deps {
  hub: Hub
  stream: Stream
  typing: Typing
}

/** What a look at the news has found. */
export interface Look<P extends Point> {
  /** Worth answering a long poll. */
  readonly isNews: boolean
  /** Where the next look goes on: up to here everything was looked at. */
  readonly upTo: P
}

export interface Poll<P extends Point, L extends Look<P>> {
  readonly userId: UserId
  readonly from: P
  readonly timeoutMs: number
  readonly signal: AbortSignal
  look(from: P): Promise<L>
  /** What the client asks for may be news by itself, also where nothing has happened. */
  readonly mustLook?: boolean
}

const MAX_TIMEOUT_MS = 300_000
/**
 * Long polls of one user that wait, on all devices; what is more is answered at once. As often as one may ask, six thousand
 * would wait after five minutes: most of the connections that there are, and an answer for each of them at any news.
 */
const MAX_WAITING = 100

/** Long polls: whether a user has news at all is known without a table, and nobody else is woken. */
export class UserNews {
  readonly #deps: Deps
  readonly #users: ChangeIndex<UserId>

  constructor(deps: Deps) {
    this.#deps = deps
    this.#users = new ChangeIndex(deps.stream.current)
    deps.hub.onNotice((users, pos) => {
      for (const userId of users) this.#users.note(userId, pos)
    })
  }

  /** Looks until something is worth telling, up to the timeout; ends early when the client leaves. */
  async poll<P extends Point, L extends Look<P>>(poll: Poll<P, L>): Promise<L> {
    const { userId, timeoutMs, signal, look } = poll
    const deadline = performance.now() + Math.min(timeoutMs, MAX_TIMEOUT_MS)
    // Up to here nothing was worth telling: later looks need not go back further.
    let { from } = poll
    let mustLook = poll.mustLook ?? false
    for (;;) {
      const remainingMs = deadline - performance.now()
      const isLast = remainingMs <= 0 || signal.aborted || this.#deps.hub.waitingOf(userId) >= MAX_WAITING
      if (!(mustLook || isLast || this.#mayHaveNews(userId, from))) {
        await this.#deps.hub.wait(userId, remainingMs, signal)
        continue
      }
      const found = await look(from)
      if (found.isNews || isLast) return found
      from = found.upTo
      mustLook = false
    }
  }

  #mayHaveNews(userId: UserId, since: Point): boolean {
    return this.#users.mayHaveChanged(userId, since.pos) || this.#deps.typing.mayConcern(userId, since.n)
  }
}
