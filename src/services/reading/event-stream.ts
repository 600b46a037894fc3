import type { UserId } from '../../matrix/ids.ts'
import { listArrived, listArrivedOfUser } from '../../storage/rooms/timeline.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { parseToken, syncToken } from '../tokens.ts'
import type { Reading } from './reading.ts'

export interface EventStreamDeps {
  readonly reading: Reading
  readonly stream: { readonly current: number }
  /** Resolves when something happened in a room that the user is in. */
  waitForUser(userId: UserId, timeoutMs: number, signal: AbortSignal): Promise<void>
  /** Resolves when an event was added to the room. */
  waitForRoom(roomId: string, timeoutMs: number, signal: AbortSignal): Promise<void>
}

export interface EventStreamQuery {
  /** Default: now. */
  readonly from?: string | undefined
  readonly timeoutMs: number
  /** A room to look into without being a member; default: all rooms of the user. */
  readonly roomId?: string | undefined
  readonly signal: AbortSignal
}

const MAX_TIMEOUT_MS = 60_000
const MAX_EVENTS = 100
/** Positions that one query looks through. */
const WINDOW = 2_000
/** Queries of one request: whoever is further behind goes on with the next one. */
const MAX_WINDOWS = 50

interface Batch {
  readonly texts: string[]
  /** What has been looked through. */
  readonly upTo: number
}

/** Waits for events, as JSON text (spec: GET /events, deprecated but for looking into a room that anybody may read). */
export async function nextEvents(deps: EventStreamDeps, viewer: Viewer, query: EventStreamQuery): Promise<string> {
  const { stream } = deps
  const from = query.from === undefined ? stream.current : parseToken(query.from).pos
  const start = query.from ?? syncToken(from, 0)
  const timeoutMs = Math.max(0, Math.min(query.timeoutMs, MAX_TIMEOUT_MS))
  let batch = await read(deps, viewer, query, from)
  if (batch.texts.length === 0 && batch.upTo >= stream.current && timeoutMs > 0) {
    const watched = await watchedRoom(deps, viewer, query)
    await (watched === undefined
      ? deps.waitForUser(viewer.userId, timeoutMs, query.signal)
      : deps.waitForRoom(watched, timeoutMs, query.signal))
    batch = await read(deps, viewer, query, batch.upTo)
  }
  const end = syncToken(batch.upTo, 0)
  return `{"start":${JSON.stringify(start)},"end":${JSON.stringify(end)},"chunk":[${batch.texts.join(',')}]}`
}

/** The room whose events end the wait; none for who has left it: they would learn when something happens there. */
async function watchedRoom(
  { reading }: EventStreamDeps,
  viewer: Viewer,
  { roomId }: EventStreamQuery,
): Promise<string | undefined> {
  if (roomId === undefined) return undefined
  const { end } = await reading.access.view(roomId, viewer)
  return end === undefined ? roomId : undefined
}

async function read(deps: EventStreamDeps, viewer: Viewer, query: EventStreamQuery, from: number): Promise<Batch> {
  const { stream } = deps
  let upTo = Math.min(from, stream.current)
  for (let windows = 0; windows < MAX_WINDOWS && upTo < stream.current; windows++) {
    const after = upTo
    upTo = Math.min(after + WINDOW, stream.current)
    const batch =
      query.roomId === undefined
        ? await readRooms(deps, viewer, after, upTo)
        : await readRoom(deps, viewer, query.roomId, after, upTo)
    if (batch.texts.length > 0) return batch
  }
  // Whoever may not look in is told so even when nothing has happened.
  if (query.roomId !== undefined) await deps.reading.access.view(query.roomId, viewer)
  return { texts: [], upTo }
}

async function readRoom(
  { reading }: EventStreamDeps,
  viewer: Viewer,
  roomId: string,
  after: number,
  upTo: number,
): Promise<Batch> {
  const { room } = await reading.access.view(roomId, viewer)
  const rows = await listArrived(reading.db, room.nid, after, upTo, MAX_EVENTS)
  const events = rows.map((row) => new StoredEvent(row, room.roomId, room.version))
  const visible = await reading.visibility.visibleEvents(room, events, viewer)
  const texts = await reading.clientEvents.render(room, visible, viewer, { withRelations: false })
  return { texts, upTo: rows.length < MAX_EVENTS ? upTo : (rows.at(-1)?.pos ?? upTo) }
}

async function readRooms({ reading }: EventStreamDeps, viewer: Viewer, after: number, upTo: number): Promise<Batch> {
  const rows = await listArrivedOfUser(reading.db, viewer.userNid, after, upTo, MAX_EVENTS)
  const byNid = new Map<number, string>()
  for (const roomId of new Set(rows.map((row) => row.room_id))) {
    const room = await reading.access.room(roomId)
    if (!room) continue
    const events = rows
      .filter((row) => row.room_id === roomId)
      .map((row) => new StoredEvent(row, room.roomId, room.version))
    const visible = await reading.visibility.visibleEvents(room, events, viewer)
    const texts = await reading.clientEvents.render(room, visible, viewer, { withRelations: false })
    for (const [index, event] of visible.entries()) byNid.set(event.nid, texts[index] as string)
  }
  const texts = rows.map((row) => byNid.get(row.nid)).filter((text) => text !== undefined)
  return { texts, upTo: rows.length < MAX_EVENTS ? upTo : (rows.at(-1)?.pos ?? upTo) }
}
