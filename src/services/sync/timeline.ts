import type { UserId } from '../../matrix/ids.ts'
import type { StateChange } from '../../storage/rooms/current-state.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import { TAIL_EVENTS } from '../rooms/timeline-tail.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import { syncToken, tokenBefore } from '../tokens.ts'
import { type EventFilter, filterable } from './event-filter.ts'

/** The newest events of a room that a client is given. */
export interface Timeline {
  /** Oldest first. */
  readonly events: readonly StoredEvent[]
  /** There are more between them and where the client was. */
  readonly limited: boolean
  /** The first of them came without its predecessors, which are not in the order of arrival. */
  readonly isAfterGap: boolean
}

export interface TimelineRange {
  /** Exclusive. */
  after: number
  upTo: number
  limit: number
  /**
   * The client has nothing of the room yet: it is given the end of the room, not what came last, which may belong to a
   * fork that was joined long ago.
   */
  isFirst?: boolean
}

/** Events that are looked through at most for those that a filter or the history visibility lets through. */
const MAX_SCANNED = 1_000

/** Reads the end of a timeline, as far as the filter, the ignored users and the history visibility let it through. */
export async function readTimeline(
  visibility: Visibility,
  room: LiveRoom,
  viewer: Viewer,
  { after, upTo, limit, isFirst = false }: TimelineRange,
  filter: EventFilter,
  ignored: ReadonlySet<UserId>,
): Promise<Timeline> {
  if (!filter.admitsRoom(room.roomId)) return { events: [], limited: false, isAfterGap: false }
  const gap = await room.gapIn(after, upTo)
  const start = gap === undefined ? after : gap - 1
  const shown: StoredEvent[] = []
  let before = upTo
  for (let scanned = 0; scanned < MAX_SCANNED; ) {
    const wanted = limit + 1 - shown.length
    const page = isFirst
      ? await newestInRoomOrder(room, start, before, wanted)
      : await room.newest(start, before, wanted)
    const admitted = page.filter((event) => passes(event, filter, ignored))
    shown.push(...(await visibility.visibleEvents(room, admitted, viewer)))
    if (shown.length > limit) return { events: shown.slice(0, limit).reverse(), limited: true, isAfterGap: false }
    if (page.length < wanted) {
      return { events: shown.reverse(), limited: gap !== undefined, isAfterGap: gap !== undefined }
    }
    before = Math.min(...page.map(({ pos }) => pos)) - 1
    scanned += page.length
  }
  return { events: shown.reverse(), limited: true, isAfterGap: false }
}

/** State events of ignored users are shown: the room must look the same to everybody (spec: Ignoring Users). */
function passes(event: StoredEvent, filter: EventFilter, ignored: ReadonlySet<UserId>): boolean {
  if (ignored.size > 0 && !event.isState && ignored.has(event.sender)) return false
  return filter.isOpen || filter.admits(filterable(event))
}

/**
 * The end of a room: of its newest events those that are wanted, latest first; more of them where some came out of order.
 */
async function newestInRoomOrder(room: LiveRoom, after: number, upTo: number, wanted: number): Promise<StoredEvent[]> {
  const newest = await room.newest(after, upTo, Math.max(wanted, TAIL_EVENTS))
  const inOrder = newest.toSorted((a, b) => b.row.depth - a.row.depth || b.pos - a.pos)
  return inOrder.every((event, index) => event === newest[index]) ? inOrder.slice(0, wanted) : inOrder
}

/** Where `/messages` goes on from backwards, in the order in which the timeline was given. */
export function prevBatch({ events, isAfterGap }: Timeline, { upTo, isFirst }: TimelineRange, n: number): string {
  const [first] = events
  if (!first) return syncToken(upTo, n)
  return isFirst || isAfterGap ? tokenBefore({ depth: first.row.depth, pos: first.pos }) : syncToken(first.pos - 1, n)
}

/** The position right before all of the timeline; undefined: it is empty. */
export const startOf = ({ events }: Timeline): number | undefined =>
  events.length === 0 ? undefined : Math.min(...events.map(({ pos }) => pos)) - 1

/** Changes that no event of the timeline shows: a resolution brought them about, or the event was left out. */
export function isUnseen(timeline: Timeline): (change: StateChange) => boolean {
  const shown = new Set(timeline.events.map((event) => event.nid))
  return (change) => !shown.has(change.event_nid ?? 0)
}
