import { Turn } from '../../util/turn.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { Judge } from '../push-rules/judge.ts'
import type { Outcome } from '../push-rules/plan.ts'
import type { Threads } from '../push-rules/threads.ts'
import type { Receipts } from '../receipts.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ClientEvents } from '../rooms/view/client-events.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Stream } from '../stream.ts'
import type { UserRooms } from '../sync/user-rooms.ts'
import { parseToken, syncToken } from '../tokens.ts'

interface Deps {
  readonly judge: Judge
  readonly threads: Threads
  readonly receipts: Receipts
  readonly rooms: LiveRooms
  readonly userRooms: UserRooms
  readonly clientEvents: ClientEvents
  readonly stream: Stream
}

export interface NotificationsQuery {
  from?: string | undefined
  limit: number
  onlyHighlights: boolean
}

const MAX_LIMIT = 100
/** Events that one request looks at; the token it returns goes on from there. */
const MAX_JUDGED = 2_000
const PAGE = 30

/** A joined room, read backwards. */
interface Reader {
  room: LiveRoom
  /** Newest first. */
  page: StoredEvent[]
  /** Where the next page begins; undefined: there is none. */
  next: number | undefined
  sincePos: number
}

/**
 * What a user was notified of (spec: Listing Notifications): like the unread counts not stored but judged anew, from
 * the newest event of all joined rooms backwards.
 */
export class Notifications {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answer as JSON text. */
  async list(viewer: Viewer, { from, limit, onlyHighlights }: NotificationsQuery): Promise<string> {
    const { judge, stream } = this.#deps
    const wanted = Math.min(Math.max(limit, 1), MAX_LIMIT)
    const rules = await judge.rulesOf(viewer.userNid)
    const readers = await this.#readers(viewer, from === undefined ? stream.current : parseToken(from).pos)
    const texts: string[] = []
    const turn = new Turn()
    for (let judged = 0; judged < MAX_JUDGED; judged++) {
      const newest = readers.reduce<Reader | undefined>(
        (best, reader) => ((reader.page[0]?.pos ?? 0) > (best?.page[0]?.pos ?? 0) ? reader : best),
        undefined,
      )
      const event = newest?.page.shift()
      if (!newest || !event) return answerText(texts)
      if (texts.length === wanted) return answerText(texts, syncToken(event.pos, 0))
      const outcome = await judge.judge(newest.room, event, viewer, rules)
      if (outcome && (outcome.highlight || !onlyHighlights)) {
        texts.push(await this.#text(viewer, newest.room, event, outcome))
      }
      if (newest.page.length === 0) await this.#turnPage(newest)
      if (turn.isOver) await turn.give()
      if (judged === MAX_JUDGED - 1) return answerText(texts, syncToken(event.pos - 1, 0))
    }
    return answerText(texts)
  }

  async #readers(owner: Owner, upTo: number): Promise<Reader[]> {
    const readers: Reader[] = []
    const turn = new Turn()
    for (const mine of (await this.#deps.userRooms.of(owner)).values()) {
      const room = mine.membership === 'join' ? await this.#deps.rooms.find(mine.roomId) : undefined
      if (!room) continue
      const reader: Reader = { room, page: [], next: upTo, sincePos: mine.sincePos }
      await this.#turnPage(reader)
      readers.push(reader)
      if (turn.isOver) await turn.give()
    }
    return readers
  }

  async #turnPage(reader: Reader): Promise<void> {
    if (reader.next === undefined) return
    reader.page = await reader.room.newest(reader.sincePos, reader.next, PAGE)
    const oldest = reader.page.at(-1)
    reader.next = oldest && reader.page.length === PAGE ? oldest.pos - 1 : undefined
  }

  async #text(viewer: Viewer, room: LiveRoom, event: StoredEvent, outcome: Outcome): Promise<string> {
    const { receipts, threads, clientEvents } = this.#deps
    const marks = await receipts.marksIn(viewer.userNid, room.nid)
    const readUpTo = Math.max(marks.everywhere, marks.threads.get(await threads.of(room, event)) ?? 0)
    const text = await clientEvents.renderOne(room, event, viewer, { withRoomId: false })
    const about = { room_id: room.roomId, ts: event.row.ts, read: event.pos <= readUpTo, actions: outcome.actions }
    return `${JSON.stringify(about).slice(0, -1)},"event":${text}}`
  }
}

const answerText = (texts: readonly string[], nextToken?: string): string =>
  `{"notifications":[${texts.join(',')}]${nextToken === undefined ? '' : `,"next_token":"${nextToken}"`}}`
