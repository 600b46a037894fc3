import type { UnreadCounts } from '../notifications/unread-counts.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ClientEvents } from '../rooms/view/client-events.ts'
import type { Standing } from '../rooms/view/standing.ts'
import { NO_FILTER } from '../sync/filter.ts'
import { prevBatch, readTimeline, type Timeline, type TimelineRange } from '../sync/timeline.ts'
import { bumpStamp } from './bump-stamps.ts'
import { LIVE, type SentRoom } from './connection.ts'
import type { RoomAnswer, RoomQuestion } from './room-answer.ts'
import { headText } from './room-head.ts'
import { type RoomState, type RoomStateDeps, readRoomState } from './room-state.ts'

export interface MemberRoomDeps extends RoomStateDeps {
  clientEvents: ClientEvents
  unread: UnreadCounts
}

/** What a client is told of one room that its user is or was in. */
export class MemberRoom {
  readonly #deps: MemberRoomDeps
  readonly #question: RoomQuestion
  readonly #room: LiveRoom
  readonly #standing: Standing | undefined
  readonly #isJoined: boolean
  /** No event beyond it is told: for who is out of the room, the one that says so. */
  readonly #end: number
  /** Where the state is told from: the moment of leaving, for who has left, whatever came for them later. */
  readonly #stateEnd: number

  /** `standing`: of who is out of the room. */
  constructor(deps: MemberRoomDeps, question: RoomQuestion, room: LiveRoom, standing?: Standing) {
    this.#deps = deps
    this.#question = question
    this.#room = room
    this.#standing = standing
    const { context, wanted } = question
    this.#isJoined = wanted.mine.membership === 'join'
    this.#end = this.#isJoined ? context.upTo.pos : Math.min(wanted.mine.pos, context.upTo.pos)
    this.#stateEnd = Math.min(this.#end, standing?.joinedUntil ?? this.#end)
  }

  async answer(): Promise<RoomAnswer> {
    const timeline = await this.#timeline()
    const range = { end: this.#stateEnd, memberEvent: this.#membership, isCompleted: this.#isCompleted }
    const state = await readRoomState(this.#deps, this.#question, this.#room, range, timeline)
    return {
      text: this.#isQuiet(timeline, state) ? undefined : await this.#text(timeline, state),
      sent: this.#sent(timeline, state),
      isFresh: this.#isFresh,
      eventIds: timeline.events.map(({ eventId }) => eventId),
      memberNids: state.members.map(({ nid }) => nid),
    }
  }

  /**
   * How the user stands to the room since leaving it, where that is new: a ban, say. Clients of the older form are told
   * each time: they take a room for joined whose state does not say otherwise.
   */
  get #membership(): StoredEvent | undefined {
    const { context, told } = this.#question
    const memberEvent = this.#standing?.memberEvent
    if (!memberEvent || memberEvent.pos > this.#end) return undefined
    const isNew = memberEvent.pos > Math.max(this.#stateEnd, told)
    return isNew || context.request.dialect === 'unstable' ? memberEvent : undefined
  }

  /** All its members have become known since: there are more of them than the client was told. */
  get #isCompleted(): boolean {
    const { isInitial, told } = this.#question
    return this.#isJoined && !isInitial && this.#room.wholePos > told && this.#room.wholePos <= this.#end
  }

  /** The timeline is told from anew. */
  get #isFresh(): boolean {
    return this.#question.isInitial || this.#question.isExpanded
  }

  get #range(): TimelineRange {
    const { wanted, told, isInitial } = this.#question
    const after = this.#isFresh ? 0 : told
    return { after, upTo: this.#end, limit: wanted.timelineLimit, isFirst: isInitial && this.#isJoined }
  }

  #timeline(): Promise<Timeline> {
    const { viewer, ignored } = this.#question.context
    return readTimeline(this.#deps.visibility, this.#room, viewer, this.#range, NO_FILTER.timeline, ignored)
  }

  #isQuiet({ events, limited }: Timeline, { texts, changedTypes }: RoomState): boolean {
    const { sent, isDm } = this.#question
    return sent?.isDm === isDm && !limited && events.length + texts.length + changedTypes.size === 0
  }

  async #text(timeline: Timeline, { texts, changedTypes }: RoomState): Promise<string> {
    const fields = [
      ...(await headText(this.#deps, this.#question, this.#room, this.#stateEnd, changedTypes)),
      ...(await this.#bumpText(timeline)),
      ...(await this.#timelineText(timeline)),
      ...(await this.#countText()),
    ]
    if (texts.length > 0) fields.push(`"required_state":[${texts.join(',')}]`)
    return `{${fields.join(',')}}`
  }

  async #bumpText({ events, limited }: Timeline): Promise<string[]> {
    const { told, isInitial, wanted } = this.#question
    if (!this.#isJoined) return [`"bump_stamp":${wanted.mine.pos}`]
    if (events.length === 0 && !limited && !isInitial) return []
    const stamp = await bumpStamp(this.#deps.db, this.#room, isInitial ? 0 : told, this.#end)
    return stamp === undefined ? [] : [`"bump_stamp":${stamp}`]
  }

  async #timelineText(timeline: Timeline): Promise<string[]> {
    const { events, limited } = timeline
    const { context, isInitial, isExpanded } = this.#question
    const { request, viewer, from, upTo } = context
    const expanded = request.dialect === 'stable' ? 'expanded_timeline' : 'unstable_expanded_timeline'
    const fields = isExpanded ? [`"${expanded}":true`] : []
    if (events.length === 0 && !limited && !isInitial) return fields
    const options = { withRoomId: false, withRelations: limited || this.#isFresh }
    const texts = await this.#deps.clientEvents.render(this.#room, events, viewer, options)
    // To a client that begins, all events are history.
    const live = from ? events.filter((event) => event.pos > from.pos).length : 0
    return [
      ...fields,
      `"timeline":[${texts.join(',')}]`,
      `"prev_batch":"${prevBatch(timeline, this.#range, upTo.n)}"`,
      `"limited":${limited}`,
      `"num_live":${live}`,
    ]
  }

  /** Clients of the older form are told how much is unread; those of the accepted one count for themselves. */
  async #countText(): Promise<string[]> {
    const { context, wanted } = this.#question
    if (context.request.dialect === 'stable' || !this.#isJoined) return []
    const total = { notify: 0, highlight: 0 }
    const unread = await this.#deps.unread.of(this.#room, context.viewer, wanted.mine.sincePos, context.upTo.pos)
    for (const { notify, highlight } of unread.values()) {
      total.notify += notify
      total.highlight += highlight
    }
    return [`"notification_count":${total.notify}`, `"highlight_count":${total.highlight}`]
  }

  /** What the client has after this answer. */
  #sent({ limited }: Timeline, { isMissed }: RoomState): SentRoom {
    const { wanted, sent, isDm } = this.#question
    const isAnew = this.#isFresh || limited || !sent
    return {
      room: LIVE,
      receipts: sent?.receipts,
      accountData: sent?.accountData,
      // After a gap the client has no more than it was given now.
      timelineLimit: isAnew ? wanted.timelineLimit : Math.max(wanted.timelineLimit, sent.timelineLimit),
      // What is no longer asked for stays as good as it is until a change of it is not told.
      required: !sent || isMissed ? wanted.required : sent.required.plus(wanted.required),
      isDm,
    }
  }
}
