import type { UserId } from '../../matrix/ids.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/viewer.ts'
import type { Visibility } from '../rooms/visibility.ts'
import { type EventFilter, filterable } from './event-filter.ts'

/** The newest events of a room that a client is given. */
export interface Timeline {
  /** Oldest first. */
  readonly events: readonly StoredEvent[]
  /** There are more between them and where the client was. */
  readonly limited: boolean
}

export interface TimelineRange {
  /** Exclusive. */
  after: number
  upTo: number
  limit: number
}

/** Events that are looked through at most for those that a filter or the history visibility lets through. */
const MAX_SCANNED = 1_000

/** Reads the end of a timeline, as far as the filter, the ignored users and the history visibility let it through. */
export async function readTimeline(
  visibility: Visibility,
  room: LiveRoom,
  viewer: Viewer,
  { after, upTo, limit }: TimelineRange,
  filter: EventFilter,
  ignored: ReadonlySet<UserId>,
): Promise<Timeline> {
  if (!filter.admitsRoom(room.roomId)) return { events: [], limited: false }
  const shown: StoredEvent[] = []
  let before = upTo
  for (let scanned = 0; scanned < MAX_SCANNED; ) {
    const wanted = limit + 1 - shown.length
    const page = await room.newest(after, before, wanted)
    const admitted = page.filter((event) => passes(event, filter, ignored))
    shown.push(...(await visibility.visibleEvents(room, admitted, viewer)))
    if (shown.length > limit) return { events: shown.slice(0, limit).reverse(), limited: true }
    const oldest = page.at(-1)
    if (!oldest || page.length < wanted) return { events: shown.reverse(), limited: false }
    before = oldest.pos - 1
    scanned += page.length
  }
  return { events: shown.reverse(), limited: true }
}

/** State events of ignored users are shown: the room must look the same to everybody (spec: Ignoring Users). */
function passes(event: StoredEvent, filter: EventFilter, ignored: ReadonlySet<UserId>): boolean {
  if (ignored.size > 0 && !event.isState && ignored.has(event.pdu.sender as UserId)) return false
  return filter.isOpen || filter.admits(filterable(event))
}
