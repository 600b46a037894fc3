import { invalidParam } from '../../matrix/errors.ts'
import { nameNids } from '../../storage/names.ts'
import { eventsById } from '../../storage/rooms/events.ts'
import { listThreads, listThreadsOf, listThreadsUpTo, type ThreadRow } from '../../storage/rooms/threads.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import { VisibleChildren } from '../rooms/view/shown-children.ts'
import { latestReplies } from '../rooms/view/thread-bundles.ts'
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
/** Threads that one request looks at, however few of them may be seen: it then goes on with the next request. */
const MAX_SCANNED = 500
/** Threads of one query once some turned out to be hidden. */
const SCANNED_AT_ONCE = 50

/** The roots of a room's threads, those with the newest replies first, as JSON text (spec: GET /rooms/{roomId}/threads). */
export async function listThreadRoots(
  reading: Reading,
  viewer: Viewer,
  roomId: string,
  query: ThreadsQuery,
): Promise<string> {
  const view = await reading.access.view(roomId, viewer)
  const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
  if (limit < 1) throw invalidParam('A limit is at least 1')
  const { roots, next } = await readPage(reading, view, viewer, query, limit)
  const chunk = await reading.clientEvents.render(view.room, roots, viewer)
  const nextBatch = next === undefined ? '' : `,"next_batch":${JSON.stringify(roomToken(0, next - 1))}`
  return `{"chunk":[${chunk.join(',')}]${nextBatch}}`
}

interface ThreadPage {
  readonly roots: readonly StoredEvent[]
  /** The position before which there is more, or may be; undefined: there is nothing. */
  readonly next: number | undefined
}

/** The threads of which the viewer may see the root and a reply. */
async function readPage(
  reading: Reading,
  { room }: RoomView,
  viewer: Viewer,
  { include, from }: ThreadsQuery,
  limit: number,
): Promise<ThreadPage> {
  const { db, visibility } = reading
  const relTypeNid = (await nameNids(db, ['m.thread'])).get('m.thread')
  if (relTypeNid === undefined) return { roots: [], next: undefined }
  const horizon = await visibility.horizon(room, viewer)
  const isCut = horizon < room.lastPos
  const userNid = include === 'all' ? undefined : viewer.userNid
  const list = (before: number, wanted: number) =>
    // Threads that went on after the user had left stand where they stood then.
    isCut
      ? listThreadsUpTo(db, room.nid, relTypeNid, { upTo: horizon, before, userNid }, wanted)
      : userNid === undefined
        ? listThreads(db, room.nid, before, wanted)
        : listThreadsOf(db, room.nid, userNid, before, wanted)
  const shown: { root: StoredEvent; pos: number }[] = []
  const first = from === undefined ? horizon : Math.min(positionOfToken(from), horizon)
  let before = first + 1
  for (let scanned = 0; scanned < MAX_SCANNED; ) {
    const wanted = scanned === 0 ? limit + 1 : SCANNED_AT_ONCE
    const threads = await list(before, wanted)
    shown.push(...(await shownOf(reading, room, viewer, threads, relTypeNid)))
    const roots = shown.slice(0, limit).map(({ root }) => root)
    if (shown.length > limit) return { roots, next: shown[limit - 1]?.pos }
    const last = threads.at(-1)
    if (!last || threads.length < wanted) return { roots, next: undefined }
    before = last.latest_pos
    scanned += threads.length
  }
  return { roots: shown.map(({ root }) => root), next: before }
}

async function shownOf(
  reading: Reading,
  room: LiveRoom,
  viewer: Viewer,
  threads: readonly ThreadRow[],
  relTypeNid: number,
): Promise<{ root: StoredEvent; pos: number }[]> {
  const roots = await rootsOf(reading, room, threads, viewer)
  const rows = new Map(threads.filter((thread) => roots.has(thread.root_id)).map((thread) => [thread.root_id, thread]))
  const replies = await latestReplies(
    reading.db,
    new VisibleChildren(reading.visibility, room, viewer),
    rows,
    relTypeNid,
  )
  return threads.flatMap(({ root_id, latest_pos }) => {
    const root = roots.get(root_id)
    return root && replies.has(root_id) ? [{ root, pos: latest_pos }] : []
  })
}

/** The roots that the viewer may see, by id; one by an ignored user is pruned. */
async function rootsOf(
  { db, visibility }: Reading,
  room: LiveRoom,
  threads: readonly ThreadRow[],
  viewer: Viewer,
): Promise<Map<string, StoredEvent>> {
  const rows = await eventsById(
    db,
    threads.map((thread) => thread.root_id),
  )
  const events = rows
    .filter((row) => row.room_nid === room.nid)
    .map((row) => new StoredEvent(row, room.roomId, room.version))
    .filter((event) => event.isTimeline)
  const visible = await visibility.visibleEvents(room, events, viewer, 'prune')
  return new Map(visible.map((event) => [event.eventId, event]))
}
