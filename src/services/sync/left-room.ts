import { LongText } from '../../util/long-text.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ClientEvents } from '../rooms/view/client-events.ts'
import { type Standing, withOwnMembership } from '../rooms/view/standing.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import { stateTexts, timelineTexts } from './event-texts.ts'
import type { SyncContext } from './request.ts'
import type { StateReader } from './state-reader.ts'
import { isUnseen, prevBatch, readTimeline, startOf, type Timeline } from './timeline.ts'
import type { RoomOfUser } from './user-rooms.ts'

export interface LeftRoomDeps {
  visibility: Visibility
  clientEvents: ClientEvents
  state: StateReader
}

/**
 * What a client is told of a room that its user left or was put out of: the timeline and the state up to that moment.
 * After a rejected invite or a refused knock that is the member event alone: the user never was in the room.
 */
export async function composeLeftRoom(
  deps: LeftRoomDeps,
  context: SyncContext,
  room: LiveRoom,
  mine: RoomOfUser,
): Promise<LongText> {
  const { visibility, clientEvents, state } = deps
  const { viewer, filter, since, fullState, ignored, upTo, stateAfterName } = context
  const isWhole = since === undefined || fullState
  const standing = await visibility.standing(room, viewer)
  const wasMember = standing.joinedUntil > (since?.pos ?? 0)
  const range = {
    // Of a room that it never was in, the user sees the end alone.
    after: wasMember ? (since?.pos ?? 0) : mine.pos - 1,
    upTo: Math.min(mine.pos, upTo.pos),
    limit: filter.timelineLimit,
  }
  const timeline = await readTimeline(visibility, room, viewer, range, filter.timeline, ignored)
  // A member event of a room that we never were in has no place in a timeline.
  const own = standing.memberEvent && timeline.events.length === 0 ? [standing.memberEvent] : []
  const events = wasMember
    ? await stateOf(state, room, timeline, range, standing, isWhole, stateAfterName !== undefined)
    : own
  const texts = await timelineTexts(clientEvents, room, timeline.events, context, timeline.limited)
  return new LongText(
    `{"timeline":{"events":[${texts.join(',')}],"limited":${timeline.limited},"prev_batch":"${prevBatch(timeline, range, upTo.n)}"},`,
    `"${stateAfterName ?? 'state'}":{"events":[`,
    await stateTexts(events, context),
    ']}}',
  )
}

async function stateOf(
  reader: StateReader,
  room: LiveRoom,
  timeline: Timeline,
  { after, upTo }: { after: number; upTo: number },
  { joinedUntil, memberEvent }: Standing,
  isWhole: boolean,
  atEnd: boolean,
): Promise<StoredEvent[]> {
  // A ban after having left, or an invite that was rejected, shows nothing of what the room has become meanwhile.
  const leaving = Math.min(upTo, joinedUntil)
  const end = atEnd ? leaving : Math.min(startOf(timeline) ?? leaving, leaving)
  const unseen = isUnseen(timeline)
  const state = isWhole
    ? await reader.whole(room, end, true, (change) => change.pos <= leaving && unseen(change))
    : await reader.changed(
        room,
        (await reader.changes(room, after, leaving)).filter((change) => change.pos <= end || unseen(change)),
      )
  const isLater = memberEvent !== undefined && memberEvent.pos > leaving && memberEvent.pos <= upTo
  const isShown = !atEnd && timeline.events.some(({ nid }) => nid === memberEvent?.nid)
  return isLater && !isShown ? withOwnMembership(state, memberEvent) : state
}
