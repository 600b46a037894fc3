import type { Db } from '../../storage/db.ts'
import type { StateChange } from '../../storage/rooms/current-state.ts'
import { type Awaitable, andThen } from '../../util/awaitable.ts'
import { LongText } from '../../util/long-text.ts'
import type { UnreadCounts } from '../notifications/unread-counts.ts'
import { unreadText } from '../notifications/unread-counts.ts'
import type { Receipts } from '../receipts.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ClientEvents } from '../rooms/view/client-events.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import type { Typing } from '../typing.ts'
import { stateTexts, timelineTexts } from './event-texts.ts'
import { isNewTo, type SyncContext } from './request.ts'
import type { RoomChanges } from './room-changes.ts'
import type { SentMembers } from './sent-members.ts'
import type { StateReader } from './state-reader.ts'
import { SUMMARY_TYPES, type Summary, summaryOf } from './summary.ts'
import { isUnseen, prevBatch, readTimeline, startOf, type Timeline, type TimelineRange } from './timeline.ts'
import type { RoomOfUser } from './user-rooms.ts'

export interface JoinedRoomDeps {
  db: Db
  visibility: Visibility
  clientEvents: ClientEvents
  state: StateReader
  changes: RoomChanges
  sentMembers: SentMembers
  typing: Typing
  receipts: Receipts
  unread: UnreadCounts
}

/** What a client is told of one room that its user is joined to. */
export class JoinedRoom {
  readonly #deps: JoinedRoomDeps
  readonly #context: SyncContext
  readonly #room: LiveRoom
  readonly #mine: RoomOfUser
  /** The client has nothing of the room yet, or asks for all of it. */
  readonly #isWhole: boolean
  /** All its members have become known since: there are more of them than the client was told. */
  readonly #isCompleted: boolean
  /** Where its timeline goes on. */
  readonly #after: number

  constructor(deps: JoinedRoomDeps, context: SyncContext, room: LiveRoom, mine: RoomOfUser) {
    this.#deps = deps
    this.#context = context
    this.#room = room
    this.#mine = mine
    const isNew = context.since === undefined || isNewTo(context, mine, room)
    this.#isWhole = isNew || context.fullState
    this.#isCompleted = room.wholePos > (context.since?.pos ?? 0)
    this.#after = isNew ? 0 : (context.since?.pos ?? 0)
  }

  /** The room's entry in the answer; undefined when there is nothing to tell. `accountData`: events as JSON texts. */
  async compose(accountData: readonly string[]): Promise<LongText | undefined> {
    const { visibility } = this.#deps
    const { viewer, filter, ignored, upTo } = this.#context
    const range = { after: this.#after, upTo: upTo.pos, limit: filter.timelineLimit, isFirst: this.#after === 0 }
    const timeline = await readTimeline(visibility, this.#room, viewer, range, filter.timeline, ignored)
    const changes = await this.#stateChanges()
    const ephemeral = await this.#ephemeral()
    const isQuiet = timeline.events.length === 0 && !timeline.limited && changes.length === 0 && ephemeral.length === 0
    const isTold = this.#isWhole || this.#isCompleted || accountData.length > 0
    if (isQuiet && !isTold && !(await this.#hasReadFurther())) return undefined

    const summary = await this.#summary(changes)
    const state = await this.#state(timeline, changes, summary)
    const unread = await this.#deps.unread.of(this.#room, viewer, this.#mine.sincePos, upTo.pos)
    const fields = new LongText(`"timeline":${await this.#timelineText(timeline, range)}`)
    fields.pushItem(new LongText(`"${this.#context.stateAfterName ?? 'state'}":{"events":[`, state, ']}'))
    fields.pushItem(unreadText(unread, filter.unreadByThread))
    if (summary) fields.pushItem(`"summary":${summary.text}`)
    if (ephemeral.length > 0 || this.#context.since === undefined)
      fields.pushItem(`"ephemeral":{"events":[${ephemeral.join(',')}]}`)
    if (accountData.length > 0 || this.#context.since === undefined)
      fields.pushItem(`"account_data":{"events":[${accountData.join(',')}]}`)
    return new LongText('{', fields, '}')
  }

  async #timelineText(timeline: Timeline, range: TimelineRange): Promise<string> {
    const { clientEvents } = this.#deps
    const { since, upTo } = this.#context
    const { events, limited } = timeline
    // A room that is new to the client has a gap before its timeline, however short that is.
    const isLimited = limited || (since !== undefined && this.#after === 0)
    const texts = await timelineTexts(clientEvents, this.#room, events, this.#context, isLimited || this.#isWhole)
    return `{"events":[${texts.join(',')}],"limited":${isLimited},"prev_batch":"${prevBatch(timeline, range, upTo.n)}"}`
  }

  /** What changed of the state since the client was here; nothing for a client that is given all of it. */
  #stateChanges(): Awaitable<readonly StateChange[]> {
    const { changes, state } = this.#deps
    if (this.#isWhole || !changes.mayHaveChangedState(this.#room.nid, this.#after)) return []
    return state.changes(this.#room, this.#after, this.#context.upTo.pos)
  }

  #summary(changes: readonly StateChange[]): Awaitable<Summary | undefined> {
    const isConcerned =
      this.#isWhole || this.#isCompleted || (changes.length > 0 && this.#deps.changes.concern(changes, SUMMARY_TYPES))
    return andThen(isConcerned, (is) =>
      is ? summaryOf(this.#deps.db, this.#room, this.#context.viewer.userId) : undefined,
    )
  }

  /**
   * State up to the start of the timeline, or, with `state_after`, up to its end. Members that are loaded lazily come
   * along when the timeline needs them.
   */
  async #state(timeline: Timeline, changes: readonly StateChange[], summary: Summary | undefined): Promise<LongText> {
    const { viewer, filter, upTo, stateAfterName } = this.#context
    if (!filter.state.admitsRoom(this.#room.roomId)) return new LongText()
    const end = stateAfterName ? upTo.pos : (startOf(timeline) ?? upTo.pos)
    const unseen = isUnseen(timeline)
    const isKept = (change: StateChange) => change.pos <= upTo.pos && unseen(change)
    const events = this.#isWhole
      ? await this.#deps.state.whole(this.#room, end, !filter.lazyLoadMembers, isKept)
      : await this.#deps.state.changed(
          this.#room,
          changes.filter((change) => change.pos <= end || unseen(change)),
        )
    const members = filter.lazyLoadMembers ? await this.#lazyMembers(timeline, events, summary, end, isKept) : []
    const { visibility } = this.#deps
    return stateTexts(await visibility.stateWithoutErased(this.#room, [...events, ...members], viewer), this.#context)
  }

  /** The members whom the answer mentions, as far as the device does not have them. */
  async #lazyMembers(
    timeline: Timeline,
    given: readonly StoredEvent[],
    summary: Summary | undefined,
    end: number,
    isKept: (change: StateChange) => boolean,
  ): Promise<StoredEvent[]> {
    const { sentMembers, state } = this.#deps
    const { viewer, filter, since, upTo } = this.#context
    const wanted = new Set<string>(timeline.events.map((event) => event.pdu.sender))
    for (const hero of summary?.heroes ?? []) wanted.add(hero)
    if (this.#isWhole) wanted.add(viewer.userId)
    if (this.#after === 0) sentMembers.forget(viewer.deviceNid, this.#room.nid)
    const givenNids = new Set(given.map((event) => event.nid))
    const known = await state.members(this.#room, end, wanted, timeline.events, isKept)
    const members = known.filter((event) => !givenNids.has(event.nid))
    const missing = filter.includeRedundantMembers
      ? members
      : sentMembers.missing(viewer.deviceNid, this.#room.nid, members, since?.pos ?? 0)
    const missingNids = missing.map(({ nid }) => nid)
    sentMembers.note(viewer.deviceNid, this.#room.nid, missingNids, upTo.pos)
    return missing
  }

  async #ephemeral(): Promise<string[]> {
    const { typing, receipts } = this.#deps
    const { filter, viewer, since, upTo } = this.#context
    if (!filter.ephemeral.admitsRoom(this.#room.roomId)) return []
    const events: string[] = []
    const users = typing.changedSince(this.#room.roomId, this.#after === 0 ? 0 : (since?.n ?? 0))
    if (users && filter.ephemeral.admits({ type: 'm.typing' })) {
      events.push(`{"type":"m.typing","content":{"user_ids":${JSON.stringify(users)}}}`)
    }
    if (filter.ephemeral.admits({ type: 'm.receipt' })) {
      const event = await receipts.changedIn(this.#room.nid, viewer.userNid, this.#after, upTo.pos)
      if (event) events.push(event)
    }
    return events
  }

  /** The user's own receipt changes the unread counts, whatever the filter says of receipts. */
  async #hasReadFurther(): Promise<boolean> {
    const { filter, viewer, upTo } = this.#context
    if (filter.ephemeral.admitsRoom(this.#room.roomId) && filter.ephemeral.admits({ type: 'm.receipt' })) return false
    return (await this.#deps.receipts.changedIn(this.#room.nid, viewer.userNid, this.#after, upTo.pos)) !== undefined
  }
}
