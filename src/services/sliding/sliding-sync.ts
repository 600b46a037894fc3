import type { Clock } from '../../util/clock.ts'
import type { Slots } from '../../util/slots.ts'
import type { IgnoredUsers } from '../account-data/ignored-users.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Stream } from '../stream.ts'
import type { Point } from '../sync/request.ts'
import type { Look, UserNews } from '../sync/user-news.ts'
import type { UserRooms } from '../sync/user-rooms.ts'
import { readToken, slidingToken } from '../tokens.ts'
import type { Typing } from '../typing.ts'
import { type ConnectionState, type SentRooms, StateDraft } from './connection.ts'
import { type ConnectionKey, type Connections, nameOf, type StoredState, unknownPos } from './connections.ts'
import type { Extension } from './extensions/extension.ts'
import type { GivenMembers, LazyMembers } from './lazy-members.ts'
import type { SlidingContext, SlidingRequest } from './request.ts'
import type { RoomAnswer } from './room-answer.ts'
import type { RoomsPart } from './rooms-part.ts'
import type { RoomWindows, Windows } from './windows.ts'

interface Deps {
  readonly clock: Clock
  readonly stream: Stream
  readonly typing: Typing
  readonly news: UserNews
  readonly userRooms: UserRooms
  readonly ignoredUsers: IgnoredUsers
  readonly connections: Connections
  readonly windows: RoomWindows
  readonly rooms: RoomsPart
  readonly lazyMembers: LazyMembers
  readonly extensions: readonly Extension[]
  readonly longAnswers: Slots
}

/** Where a client is, and what it has of its rooms there. */
interface Place extends Point {
  readonly sent: SentRooms
}

interface Answer extends Look<Place> {
  /** Without `pos`, which depends on whether the state has to be stored. */
  readonly fields: readonly string[]
  readonly members: GivenMembers
}

/** A client that wants so many more rooms than it has gets a long answer. */
const MANY_ROOMS = 100
const NOTHING_SENT: SentRooms = new Map()

/**
 * Sliding sync (MSC4186). An answer is composed as of one position of the stream, for the rooms that the client wants to
 * see, from where it is in each of them. The connection remembers that, so a room that was out of sight goes on where
 * it was, and nothing is lost or comes twice.
 */
export class SlidingSync {
  readonly #deps: Deps
  // The request that each connection waits for: a client that asks again has given up the one before.
  readonly #active = new Map<string, AbortController>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answer as JSON text. Waits for news up to the timeout; throws `M_UNKNOWN_POS` when the connection has expired. */
  async answer(viewer: Viewer, request: SlidingRequest, signal: AbortSignal): Promise<string> {
    const key: ConnectionKey = { deviceNid: viewer.deviceNid, connId: request.connId }
    const name = nameOf(key)
    this.#active.get(name)?.abort()
    const turn = new AbortController()
    this.#active.set(name, turn)
    try {
      return await this.#answer(viewer, request, key, AbortSignal.any([signal, turn.signal]), turn.signal)
    } finally {
      if (this.#active.get(name) === turn) this.#active.delete(name)
    }
  }

  async #answer(
    viewer: Viewer,
    request: SlidingRequest,
    key: ConnectionKey,
    signal: AbortSignal,
    givenUp: AbortSignal,
  ): Promise<string> {
    const { connections, lazyMembers, news } = this.#deps
    const name = nameOf(key)
    if (request.pos === undefined) {
      const { fields, members, upTo } = await this.#compose(viewer, request, undefined)
      if (givenUp.aborted) throw unknownPos()
      const token = tokenOf(upTo, await connections.add(key, undefined, upTo.sent))
      lazyMembers.send(name, token, members)
      return textOf(fields, token)
    }
    const { point, state } = await this.#placeOf(key, request.pos)
    lazyMembers.arrive(name, request.pos)
    const repeated = connections.answerTo(key, request.fingerprint)
    if (repeated !== undefined) return repeated
    const { fields, members, upTo } = await news.poll<Place, Answer>({
      userId: viewer.userId,
      from: { ...point, sent: state.rooms },
      timeoutMs: request.timeoutMs,
      signal,
      look: (from) => this.#compose(viewer, request, from),
      mustLook: true,
    })
    // Nobody waits for this answer any more: what the connection has is up to the request that came after it.
    if (givenUp.aborted) return textOf([], tokenOf(point, state))
    const after = upTo.sent === state.rooms ? state : await connections.add(key, state, upTo.sent)
    const token = tokenOf(upTo, after)
    lazyMembers.send(name, token, members)
    const text = textOf(fields, token)
    if (after !== state || upTo.pos > point.pos) connections.keepAnswer(key, request.fingerprint, text)
    return text
  }

  async #placeOf(key: ConnectionKey, pos: string): Promise<{ point: Point; state: StoredState }> {
    const token = readToken(pos)
    if (token?.kind !== 's' || token.state === undefined || token.pos > this.#deps.stream.current) throw unknownPos()
    return { point: { pos: token.pos, n: token.n }, state: await this.#deps.connections.find(key, token.state) }
  }

  async #compose(viewer: Viewer, request: SlidingRequest, from: Place | undefined): Promise<Answer> {
    const { clock, stream, typing, userRooms, ignoredUsers, windows: rules, rooms: part, extensions } = this.#deps
    const ignored = await ignoredUsers.of(viewer.userId)
    const rooms = await userRooms.of(viewer)
    // Nothing is awaited between the rooms and the position, so that they belong together.
    const point = { pos: stream.current, n: typing.n }
    const context: SlidingContext = { request, viewer, from, upTo: point, rooms, ignored, now: clock.now() }
    const draft = new StateDraft(from?.sent ?? NOTHING_SENT)
    const windows = await rules.of(context, draft.rooms)
    const isLong = windows.wanted.size - draft.rooms.size > MANY_ROOMS
    const compose = () => part.answer(context, windows, draft)
    const answers = await (isLong ? this.#deps.longAnswers.run(compose) : compose())
    const parts: string[] = []
    let isNews = [...answers.values()].some(({ text }) => text !== undefined)
    for (const extension of extensions) {
      const answer = await extension.answer({ ...context, windows, answers, draft })
      if (answer.text !== '') parts.push(answer.text)
      isNews ||= answer.isNews
    }
    const fields = [listsText(windows), roomsText(windows, answers), `"extensions":{${parts.join(',')}}`]
    return { fields, members: membersOf(answers), isNews, upTo: { ...point, sent: draft.rooms } }
  }
}

const tokenOf = ({ pos, n }: Point, { id }: ConnectionState): string => slidingToken(pos, n, id)

const textOf = (fields: readonly string[], token: string): string => `{${[`"pos":"${token}"`, ...fields].join(',')}}`

const membersOf = (answers: ReadonlyMap<number, RoomAnswer>): GivenMembers =>
  new Map([...answers].flatMap(([roomNid, { memberNids }]) => (memberNids.length > 0 ? [[roomNid, memberNids]] : [])))

/** NOTSPEC: the `ops` of MSC3575 are left out; no client reads them any more, and they would name every room each time. */
function listsText({ counts }: Windows): string {
  const lists = [...counts].map(([name, count]) => `${JSON.stringify(name)}:{"count":${count}}`)
  return `"lists":{${lists.join(',')}}`
}

function roomsText({ wanted }: Windows, answers: ReadonlyMap<number, RoomAnswer>): string {
  const rooms = [...answers].flatMap(([roomNid, { text }]) => {
    const roomId = wanted.get(roomNid)?.mine.roomId
    return text === undefined || roomId === undefined ? [] : [`${JSON.stringify(roomId)}:${text}`]
  })
  return `"rooms":{${rooms.join(',')}}`
}
