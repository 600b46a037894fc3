import { Turn } from '../../util/turn.ts'
import type { DirectRooms } from '../account-data/direct-rooms.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { isFromOutside, LIVE, type SentRoom, type StateDraft, toldUpTo } from './connection.ts'
import { MemberRoom, type MemberRoomDeps } from './member-room.ts'
import { answerOutside } from './outside-room.ts'
import type { SlidingContext, WantedRoom } from './request.ts'
import type { RoomAnswer, RoomQuestion } from './room-answer.ts'
import type { Windows } from './windows.ts'

interface Deps extends MemberRoomDeps {
  readonly rooms: LiveRooms
  readonly directRooms: DirectRooms
}

/** The `rooms` of an answer: those that match a rule and have something to tell. */
export class RoomsPart {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answers by the room's number. What the client has after them is noted in `draft`. */
  async answer(context: SlidingContext, windows: Windows, draft: StateDraft): Promise<ReadonlyMap<number, RoomAnswer>> {
    const answers = new Map<number, RoomAnswer>()
    const direct = await this.#deps.directRooms.of(context.viewer)
    const turn = new Turn()
    for (const [roomNid, wanted] of windows.wanted) {
      const sent = draft.rooms.get(roomNid)
      const question = questionOf(context, wanted, sent, direct.has(wanted.mine.roomId))
      if (!hasNews(question, windows)) continue
      const answer = await this.#ask(question)
      if (!answer) continue
      draft.set(roomNid, answer.sent)
      answers.set(roomNid, answer)
      if (turn.isOver) await turn.give()
    }
    this.#leaveBehind(context, windows, draft)
    return answers
  }

  async #ask(question: RoomQuestion): Promise<RoomAnswer | undefined> {
    const { context, wanted } = question
    const { roomId, membership } = wanted.mine
    const room = await this.#deps.rooms.find(roomId)
    if (!room) return undefined
    if (membership === 'invite' || membership === 'knock') return answerOutside(this.#deps.db, question, room)
    if (membership === 'join') return new MemberRoom(this.#deps, question, room).answer()
    const standing = await this.#deps.visibility.standing(room, context.viewer)
    if (!(standing.joinedUntil > 0)) return answerOutside(this.#deps.db, question, room)
    return new MemberRoom(this.#deps, question, room, standing).answer()
  }

  /**
   * Rooms out of sight: what happens there is told when they come back. Those that are gone for good are forgotten once
   * the client knows.
   */
  #leaveBehind({ from, rooms }: SlidingContext, { wanted, lastPos }: Windows, draft: StateDraft): void {
    if (!from) return
    const byNid = new Map([...rooms.values()].map((mine) => [mine.roomNid, mine]))
    for (const [roomNid, sent] of draft.rooms) {
      if (wanted.has(roomNid)) continue
      const mine = byNid.get(roomNid)
      const told = toldUpTo(sent.room, from.pos) ?? 0
      if (!mine || (mine.membership === 'leave' && mine.pos <= told)) draft.delete(roomNid)
      else if (sent.room === LIVE && lastPos(mine) > from.pos) draft.tell(roomNid, 'room', from.pos)
    }
  }
}

function questionOf(
  context: SlidingContext,
  wanted: WantedRoom,
  sent: SentRoom | undefined,
  isDm: boolean,
): RoomQuestion {
  const { mine, timelineLimit } = wanted
  const told = (sent && toldUpTo(sent.room, context.from?.pos ?? 0)) ?? 0
  const isOutside = mine.membership === 'invite' || mine.membership === 'knock'
  const isInitial =
    sent === undefined ||
    (mine.membership === 'join' && mine.sincePos > told) ||
    (isOutside ? mine.pos > told : isFromOutside(sent))
  const isExpanded = !isInitial && !isOutside && timelineLimit > sent.timelineLimit
  return {
    context,
    wanted,
    sent: isInitial ? undefined : sent,
    told: isInitial ? 0 : told,
    isInitial,
    isExpanded,
    isDm,
  }
}

/** Whether there may be something to tell; false is certain. */
function hasNews({ wanted, sent, told, isInitial, isExpanded, isDm }: RoomQuestion, { lastPos }: Windows): boolean {
  if (isInitial || isExpanded || !sent) return true
  if (lastPos(wanted.mine) > told || isDm !== sent.isDm) return true
  return !isFromOutside(sent) && !sent.required.covers(wanted.required)
}
