import { invalidParam } from '../../matrix/errors.ts'
import { eventsById } from '../../storage/rooms/events.ts'
import { listThreads, listThreadsOf, type ThreadRow } from '../../storage/rooms/threads.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { roomToken } from '../tokens.ts'
import { positionOfToken } from './places.ts'
import type { Reading } from './reading.ts'
import type { RoomView } from './room-access.ts'

export interface ThreadsQuery {
  readonly include: 'all' | 'participated'
  readonly limit?: number | undefined
  readonly from?: string | undefined
}

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

/** The roots of a room's threads, those with the newest replies first, as JSON text (spec: GET /rooms/{roomId}/threads). */
export async function listThreadRoots(
  reading: Reading,
  viewer: Viewer,
  roomId: string,
  query: ThreadsQuery,
): Promise<string> {
  const view = await reading.access.view(roomId, viewer)
  const { room } = view
  const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
  if (limit < 1) throw invalidParam('A limit is at least 1')
  const threads = await listPage(reading, view, viewer, query, limit + 1)
  const page = threads.slice(0, limit)
  const roots = await rootsOf(reading, view, page, viewer)
  const chunk = await reading.clientEvents.render(room, roots, viewer)
  const last = threads.length > limit ? page.at(-1) : undefined
  const next = last ? `,"next_batch":${JSON.stringify(roomToken(0, last.latest_pos - 1))}` : ''
  return `{"chunk":[${chunk.join(',')}]${next}}`
}

function listPage(
  { db }: Reading,
  { room, leaving, end }: RoomView,
  viewer: Viewer,
  { include, from }: ThreadsQuery,
  limit: number,
): Promise<ThreadRow[]> {
  // Threads that went on after the user had left are not listed: their place in the order would tell of it.
  const newest = end && leaving ? leaving.pos : Number.MAX_SAFE_INTEGER - 1
  const before = Math.min(from === undefined ? newest : positionOfToken(from), newest) + 1
  return include === 'all'
    ? listThreads(db, room.nid, before, limit)
    : listThreadsOf(db, room.nid, viewer.userNid, before, limit)
}

/** The roots that the viewer may see, in the order of their threads; one by an ignored user is pruned. */
async function rootsOf(
  { db, visibility }: Reading,
  { room }: RoomView,
  threads: readonly ThreadRow[],
  viewer: Viewer,
): Promise<StoredEvent[]> {
  const rows = await eventsById(
    db,
    threads.map((thread) => thread.root_id),
  )
  const events = rows
    .filter((row) => row.room_nid === room.nid)
    .map((row) => new StoredEvent(row, room.roomId, room.version))
    .filter((event) => event.isTimeline)
  const visible = await visibility.visibleEvents(room, events, viewer, 'prune')
  const byId = new Map(visible.map((event) => [event.eventId as string, event]))
  return threads.map((thread) => byId.get(thread.root_id)).filter((event) => event !== undefined)
}
