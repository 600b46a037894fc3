import type { Db } from '../../storage/db.ts'
import type { EventRow } from '../../storage/rooms/events.ts'
import { listAfter, listBefore } from '../../storage/rooms/timeline.ts'
import { Turn } from '../../util/turn.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import { EventFilter, filterable } from '../sync/event-filter.ts'
import type { EventFilterContent } from '../sync/filter-schema.ts'
import type { Placed } from '../tokens.ts'
import { comparePlaces } from './places.ts'
import { placeOf } from './room-access.ts'

export type Direction = 'b' | 'f'

/** A stretch of a room's timeline in room order. */
export interface Stretch {
  readonly direction: Direction
  /** Where to begin: a place between events. */
  readonly from: Placed
  /** Where to stop. */
  readonly to: Placed
  /**
   * Backwards: where more may come from other servers. Nothing beyond it is looked at, or a reader would pass over what
   * comes; and it is where to go on from, or the reader would take it for the beginning of the room.
   */
  readonly gap?: Placed | undefined
  /** Without events that arrived later; undefined: with all. */
  readonly arrivedBy?: number | undefined
  readonly limit: number
  readonly filter: EventFilterContent
}

export interface Scanned {
  /** In the order of the direction. */
  readonly events: StoredEvent[]
  /** The place to go on from; undefined: there is nothing more. */
  readonly next: Placed | undefined
}

/** Events that one request looks at, however few of them pass its filter: it then goes on with the next request. */
const MAX_SCANNED = 1_000
const PAGE = 100

/** The events of a stretch that pass the filter and that the viewer may see. */
export async function scan(
  { db, visibility }: { db: Db; visibility: Visibility },
  room: LiveRoom,
  viewer: Viewer,
  { direction, from, to, gap, limit, filter, arrivedBy = Number.MAX_SAFE_INTEGER }: Stretch,
): Promise<Scanned> {
  const judge = new EventFilter(filter)
  if (!judge.admitsRoom(room.roomId)) return { events: [], next: undefined }
  const events: StoredEvent[] = []
  const turn = new Turn()
  const cut = gap && comparePlaces(gap, to) > 0 ? gap : undefined
  let at = from
  for (let scanned = 0; scanned < MAX_SCANNED && events.length < limit; ) {
    const size = judge.isOpen ? Math.min(limit - events.length, PAGE) : PAGE
    const rows = await listPage(db, room.nid, direction, at, size)
    const inside = rows
      .map((row) => new StoredEvent(row, room.roomId, room.version))
      .filter(isBefore(direction, cut ?? to))
    scanned += rows.length
    const passing = inside.filter((event) => event.pos <= arrivedBy && judge.admits(filterable(event)))
    for (const event of await visibility.visibleEvents(room, passing, viewer)) {
      if (events.length === limit) break
      events.push(event)
      at = afterwards(direction, event)
    }
    const last = inside.at(-1)
    if (events.length < limit && last) at = afterwards(direction, last)
    // Fewer than asked for, or some beyond the end: this was the last page.
    if (inside.length < size && events.length < limit) return { events, next: cut }
    if (turn.isOver) await turn.give()
  }
  return { events, next: at }
}

/** Places are right after events, and both queries leave out the event at the place that they are given. */
const listPage = (db: Db, roomNid: number, direction: Direction, at: Placed, size: number): Promise<EventRow[]> =>
  direction === 'b'
    ? listBefore(db, roomNid, { depth: at.depth, pos: at.pos + 1 }, size)
    : listAfter(db, roomNid, at, size)

const isBefore =
  (direction: Direction, to: Placed) =>
  (event: StoredEvent): boolean =>
    direction === 'b' ? comparePlaces(placeOf(event), to) > 0 : comparePlaces(placeOf(event), to) <= 0

function afterwards(direction: Direction, event: StoredEvent): Placed {
  const { depth, pos } = placeOf(event)
  return direction === 'b' ? { depth, pos: pos - 1 } : { depth, pos }
}
