import type { Clock } from '../../util/clock.ts'
import { LongText } from '../../util/long-text.ts'
import type { Slots } from '../../util/slots.ts'
import type { IgnoredUsers } from '../account-data/ignored-users.ts'
import type { Filters } from '../filters.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Stream } from '../stream.ts'
import { parseToken, syncToken } from '../tokens.ts'
import type { Typing } from '../typing.ts'
import type { Point, Since, SyncContext, SyncRequest, SyncSection } from './request.ts'
import type { Look, UserNews } from './user-news.ts'
import type { UserRooms } from './user-rooms.ts'

interface Deps {
  clock: Clock
  stream: Stream
  news: UserNews
  filters: Filters
  typing: Typing
  ignoredUsers: IgnoredUsers
  userRooms: UserRooms
  sections: readonly SyncSection[]
  longAnswers: Slots
}

/** The parameters of `GET /sync` as a client gives them. */
export interface SyncParams {
  filter?: string | undefined
  since?: string | undefined
  fullState: boolean
  timeoutMs: number
  stateAfterName: SyncRequest['stateAfterName']
}

/** A client that is this many positions behind is catching up: its answer may be long. */
const FAR_BEHIND = 1000

interface Answer extends Look<Point> {
  readonly text: string | LongText
}

/** For a client that has left while it waited for its turn. */
const TO_NOBODY: Answer = { text: '{}', isNews: true, upTo: { pos: 0, n: 0 } }

/**
 * `GET /sync` (spec: client-server API, Syncing). An answer is composed as of one position of the stream, from what the
 * owners of the data tell for the stretch since the client's token; the next one goes on from there, so nothing is lost
 * and nothing comes twice.
 */
export class Sync {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answer as JSON text. Waits for news up to the timeout; ends early when the client leaves. */
  async answer(viewer: Viewer, params: SyncParams, signal: AbortSignal): Promise<string | LongText> {
    const { filters, news } = this.#deps
    const request: SyncRequest = {
      viewer,
      filter: await filters.resolve(viewer.userNid, params.filter),
      since: this.#pointOf(params.since),
      fullState: params.fullState,
      stateAfterName: params.stateAfterName,
    }
    const { since } = request
    if (!since || request.fullState) return (await this.#composeLong(request, signal)).text
    const look = (from: Since) => {
      const isFarBehind = !signal.aborted && this.#deps.stream.current - from.pos > FAR_BEHIND
      const next = { ...request, since: from }
      return isFarBehind ? this.#composeLong(next, signal) : this.#compose(next)
    }
    const { userId } = viewer
    const { timeoutMs } = params
    const mustLook = since.messagesPos !== undefined
    return (await news.poll<Since, Answer>({ userId, from: since, timeoutMs, signal, look, mustLook })).text
  }

  #composeLong(request: SyncRequest, signal: AbortSignal): Promise<Answer> {
    return this.#deps.longAnswers.run(async () => (signal.aborted ? TO_NOBODY : this.#compose(request)))
  }

  async #compose(request: SyncRequest): Promise<Answer> {
    const { clock, stream, typing, userRooms, ignoredUsers, sections } = this.#deps
    const ignored = await ignoredUsers.of(request.viewer.userId)
    const rooms = await userRooms.of(request.viewer)
    // Nothing is awaited between the rooms and the position, so that they belong together.
    const upTo = { pos: stream.current, n: typing.n }
    const context: SyncContext = { ...request, upTo, rooms, ignored, now: clock.now() }
    const text = new LongText()
    text.push('{')
    let isNews = false
    let messagesPos: number | undefined
    for (const section of sections) {
      const contribution = await section.contribute(context)
      if (contribution.text !== '') {
        text.push(contribution.text)
        text.push(',')
      }
      isNews ||= contribution.isNews
      messagesPos ??= contribution.messagesPos
    }
    text.push(`"next_batch":"${syncToken(upTo.pos, upTo.n, messagesPos)}"}`)
    return { text, isNews, upTo }
  }

  /** A token beyond the stream, from before a backup was restored, is answered like a first sync. */
  #pointOf(since: string | undefined): Since | undefined {
    if (since === undefined || since === '') return undefined
    const token = parseToken(since)
    const point = token.kind === 's' ? token : { pos: Math.max(token.pos, 0), n: 0 }
    return point.pos > this.#deps.stream.current ? undefined : point
  }
}
