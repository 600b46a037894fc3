import { eventsByNid } from '../../storage/rooms/events.ts'
import type { IndexPage, IndexQuery, SearchHit } from '../../storage/search/store.ts'
import { Turn } from '../../util/turn.ts'
import type { Reading } from '../reading/reading.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { type EventFilter, filterable } from '../sync/event-filter.ts'
import type { SearchIndex } from './search-index.ts'

export interface VisibleHit {
  readonly hit: SearchHit
  readonly event: StoredEvent
  readonly room: LiveRoom
}

export interface VisibleHits {
  readonly found: readonly VisibleHit[]
  /** The last hit that was looked at. */
  readonly last: SearchHit | undefined
  /** There is nothing behind it. */
  readonly isEnd: boolean
}

interface Deps {
  readonly reading: Reading
  readonly index: SearchIndex
}

const AT_MOST = 50
/** Hits that one request looks at, however few of them may be seen: it then goes on with the next request. */
const MAX_LOOKED_AT = 500

/** The hits that the viewer may see and that pass the filter, up to `page.limit`, in the order of the page. */
export async function visibleHits(
  { reading, index }: Deps,
  query: IndexQuery,
  page: IndexPage,
  viewer: Viewer,
  filter: EventFilter,
  roomIds: ReadonlyMap<number, string>,
): Promise<VisibleHits> {
  const turn = new Turn()
  const size = Math.min(2 * page.limit, AT_MOST)
  const found: VisibleHit[] = []
  let last: SearchHit | undefined
  for (let looked = 0; looked < MAX_LOOKED_AT && found.length < page.limit; looked += size) {
    const hits = await index.find(query, { ...page, after: last ?? page.after, limit: size })
    const visible = await among(reading, hits, viewer, filter, roomIds)
    for (const hit of hits) {
      if (found.length === page.limit) return { found, last, isEnd: false }
      const shown = visible.get(hit.nid)
      if (shown) found.push({ hit, ...shown })
      last = hit
    }
    if (hits.length < size) return { found, last, isEnd: true }
    if (turn.isOver) await turn.give()
  }
  return { found, last, isEnd: false }
}

async function among(
  { db, access, visibility }: Reading,
  hits: readonly SearchHit[],
  viewer: Viewer,
  filter: EventFilter,
  roomIds: ReadonlyMap<number, string>,
): Promise<Map<number, { event: StoredEvent; room: LiveRoom }>> {
  const rows = await eventsByNid(
    db,
    hits.map((hit) => hit.nid),
  )
  const visible = new Map<number, { event: StoredEvent; room: LiveRoom }>()
  for (const [roomNid, ofRoom] of Map.groupBy(rows, (row) => row.room_nid)) {
    const room = await access.room(roomIds.get(roomNid) ?? '')
    if (!room) continue
    const events = ofRoom.map((row) => new StoredEvent(row, room.roomId, room.version))
    // What was redacted since, or stored anew, is not what was found.
    const current = events.filter((event) => event.isTimeline && !event.isRedacted && !event.eventId.includes(' '))
    const passing = current.filter((event) => filter.admits(filterable(event)))
    for (const event of await visibility.visibleEvents(room, passing, viewer)) {
      if (!event.isRedacted) visible.set(event.nid, { event, room })
    }
  }
  return visible
}
