import type { StateChange } from '../../storage/current-state.ts'
import type { Db } from '../../storage/db.ts'
import { namesOf } from '../../storage/names.ts'
import type { UnreadCounts } from '../notifications-unread.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { Visibility } from '../rooms/visibility.ts'
import { NO_FILTER } from '../sync/filter.ts'
import type { RoomChanges } from '../sync/room-changes.ts'
import type { StateReader } from '../sync/state-reader.ts'
import { readTimeline, type Timeline } from '../sync/timeline.ts'
import { syncToken, tokenBefore } from '../tokens.ts'
import { bumpStamp } from './bump-stamps.ts'
import { LIVE, type SentRoom } from './connection.ts'
import type { LazyMembers } from './lazy-members.ts'
import { idsOf, liveCount, type RoomAnswer, type RoomQuestion } from './room-answer.ts'
import { headText } from './room-head.ts'

export interface MemberRoomDeps {
  db: Db
  visibility: Visibility
  clientEvents: ClientEvents
  state: StateReader
  changes: RoomChanges
  lazyMembers: LazyMembers
  unread: UnreadCounts
}

/** What a client is told of one room that its user is or was in. */
export class MemberRoom {
  readonly #deps: MemberRoomDeps
  readonly #question: RoomQuestion
  readonly #room: LiveRoom
  /** Nothing beyond it is told: the moment of leaving, for who has left. */
  readonly #end: number

  constructor(deps: MemberRoomDeps, question: RoomQuestion, room: LiveRoom) {
    this.#deps = deps
    this.#question = question
    this.#room = room
    const { context, wanted } = question
    this.#end = this.#isJoined ? context.upTo.pos : Math.min(wanted.mine.pos, context.upTo.pos)
  }

  async answer(): Promise<RoomAnswer> {
    const { context, wanted, isInitial, isExpanded } = this.#question
    const timeline = await this.#timeline()
    const changes = await this.#stateChanges()
    const names = await namesOf(this.#deps.db, new Set(changes.flatMap(({ type_nid, key_nid }) => [type_nid, key_nid])))
    const placeOf = ({ type_nid, key_nid }: StateChange) =>
      [names.get(type_nid) ?? '', names.get(key_nid) ?? ''] as const
    const { required } = wanted
    const asked = changes.filter((change) => required.matches(...placeOf(change)))
    const state = await this.#state(asked)
    const members = required.lazyMembers ? await this.#lazyMembers(timeline, state, changes, placeOf) : []
    const stubs =
      context.request.dialect === 'stable'
        ? gone(asked).map((change) => {
            const [type, state_key] = placeOf(change)
            return JSON.stringify({ type, state_key })
          })
        : []
    const missed = changes.some(
      (change) => this.#question.sent?.required.matches(...placeOf(change)) && !asked.includes(change),
    )
    const answer = {
      sent: this.#sent(timeline, missed),
      isFresh: isInitial || isExpanded,
      eventIds: idsOf(timeline.events),
    }
    const isQuiet =
      timeline.events.length + state.length + members.length + stubs.length === 0 &&
      !timeline.limited &&
      !changes.length
    if (isQuiet && !isInitial && this.#question.sent?.isDm === this.#question.isDm)
      return { ...answer, text: undefined }
    const changed = new Set(changes.map((change) => placeOf(change)[0]))
    const fields = [
      ...(await headText(this.#deps, this.#question, this.#room, this.#end, changed)),
      ...(await this.#bump(timeline)),
      ...(await this.#timelineFields(timeline)),
      ...(await this.#counts()),
    ]
    const texts = [...this.#stateTexts([...state, ...members]), ...stubs]
    if (texts.length > 0) fields.push(`"required_state":[${texts.join(',')}]`)
    return { ...answer, text: `{${fields.join(',')}}` }
  }

  get #isJoined(): boolean {
    return this.#question.wanted.mine.membership === 'join'
  }

  #timeline(): Promise<Timeline> {
    const { context, wanted, told, isInitial, isExpanded } = this.#question
    const { viewer, ignored } = context
    const range = { after: isInitial || isExpanded ? 0 : told, upTo: this.#end, limit: wanted.timelineLimit }
    return readTimeline(this.#deps.visibility, this.#room, viewer, range, NO_FILTER.timeline, ignored)
  }

  /** What changed of the state since the client was here; nothing where it is given the state anew. */
  async #stateChanges(): Promise<readonly StateChange[]> {
    const { told, isInitial } = this.#question
    const { changes, state } = this.#deps
    if (isInitial || !changes.mayHaveChangedState(this.#room.nid, told)) return []
    return state.changes(this.#room, told, this.#end)
  }

  /** The state that the client is given, apart from members that are loaded lazily. */
  async #state(asked: readonly StateChange[]): Promise<StoredEvent[]> {
    const { wanted, sent, isInitial } = this.#question
    const { required } = wanted
    const { state } = this.#deps
    if (isInitial || !sent) return state.selected(this.#room, this.#end, required)
    const events = await state.changed(this.#room, asked)
    if (sent.required.covers(required)) return events
    // More is wanted than before: what is new to the client comes along.
    const places = new Set(events.map((event) => event.nid))
    const all = await state.selected(this.#room, this.#end, required)
    const added = all.filter(
      (event) => !places.has(event.nid) && !sent.required.matches(event.type, event.stateKey ?? ''),
    )
    return [...events, ...added]
  }

  #lazyMembers(
    timeline: Timeline,
    given: readonly StoredEvent[],
    changes: readonly StateChange[],
    placeOf: (change: StateChange) => readonly [string, string],
  ): Promise<StoredEvent[]> {
    const users = new Set<string>()
    for (const { pdu, type, stateKey } of timeline.events) {
      users.add(pdu.sender)
      if (type === 'm.room.member' && stateKey !== undefined) users.add(stateKey)
    }
    // Where there is no gap, a client may keep the members that it knows up to date.
    if (!timeline.limited) {
      for (const change of changes) if (placeOf(change)[0] === 'm.room.member') users.add(placeOf(change)[1])
    }
    return this.#deps.lazyMembers.of(this.#question, this.#room, this.#end, users, given)
  }

  #stateTexts(events: readonly StoredEvent[]): string[] {
    const { now } = this.#question.context
    return events.map((event) => `${event.clientText},"unsigned":{"age":${now - event.row.ts}}}`)
  }

  async #bump({ events }: Timeline): Promise<string[]> {
    const { told, isInitial, wanted } = this.#question
    if (!this.#isJoined) return [`"bump_stamp":${wanted.mine.pos}`]
    if (events.length === 0 && !isInitial) return []
    const stamp = await bumpStamp(this.#deps.db, this.#room, isInitial ? 0 : told, this.#end)
    return stamp === undefined ? [] : [`"bump_stamp":${stamp}`]
  }

  async #timelineFields(timeline: Timeline): Promise<string[]> {
    const { context, isInitial, isExpanded, wanted } = this.#question
    const { events, limited } = timeline
    const [first] = events
    const fields = isExpanded
      ? [`"${context.request.dialect === 'stable' ? 'expanded_timeline' : 'unstable_expanded_timeline'}":true`]
      : []
    if (events.length === 0 && !limited && !isInitial) return fields
    const withRelations = limited || isInitial || isExpanded
    const options = { withRoomId: false, withRelations }
    const texts = await this.#deps.clientEvents.render(this.#room, events, context.viewer, options)
    const end = Math.min(this.#end, context.upTo.pos)
    const prevBatch = first
      ? tokenBefore({ depth: first.row.depth, pos: first.pos })
      : syncToken(wanted.mine.membership === 'join' ? context.upTo.pos : end, context.upTo.n)
    fields.push(
      `"timeline":[${texts.join(',')}]`,
      `"prev_batch":"${prevBatch}"`,
      `"limited":${limited}`,
      `"num_live":${liveCount(timeline, context)}`,
    )
    return fields
  }

  /** Clients of the older form are told how much is unread; those of the accepted one count for themselves. */
  async #counts(): Promise<string[]> {
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

  #sent({ limited }: Timeline, missed: boolean): SentRoom {
    const { wanted, sent, isInitial, isExpanded, isDm } = this.#question
    const isAnew = isInitial || isExpanded || limited || !sent
    return {
      room: LIVE,
      receipts: sent?.receipts,
      accountData: sent?.accountData,
      // After a gap the client has no more than it was given now.
      timelineLimit: isAnew ? wanted.timelineLimit : Math.max(wanted.timelineLimit, sent.timelineLimit),
      // What is no longer asked for stays as good as it is until a change of it is not told.
      required: isInitial || !sent || missed ? wanted.required : sent.required.plus(wanted.required),
      isDm,
    }
  }
}

/** The last change of each place, where it took the entry away. */
function gone(changes: readonly StateChange[]): StateChange[] {
  const last = new Map(changes.map((change) => [`${change.type_nid} ${change.key_nid}`, change]))
  return [...last.values()].filter(({ event_nid }) => event_nid === null)
}
