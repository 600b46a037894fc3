import { notFound } from '../../matrix/errors.ts'
import { listByTime } from '../../storage/rooms/timeline.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Reading } from './reading.ts'
import type { Direction } from './scan.ts'

/** Events by time that are looked at for one that the viewer may see. */
const MAX_CANDIDATES = 100

/** The event closest to a time, in one direction of it (spec: GET /rooms/{roomId}/timestamp_to_event). */
export async function eventNear(
  { db, access, visibility, past }: Reading,
  viewer: Viewer,
  roomId: string,
  ts: number,
  dir: Direction,
): Promise<{ event_id: string; origin_server_ts: number }> {
  const { room } = await access.view(roomId, viewer)
  const rows = await listByTime(db, room.nid, ts, dir === 'b', MAX_CANDIDATES, await visibility.horizon(room, viewer))
  const candidates = rows.map((row) => new StoredEvent(row, room.roomId, room.version))
  const [here] = await visibility.visibleEvents(room, candidates, viewer)
  const elsewhere = await past.nearest(room, ts, dir)
  const [there] = elsewhere ? await visibility.visibleEvents(room, [elsewhere], viewer) : []
  const event = nearer(here, there, dir)
  if (!event) throw notFound('There is no event in this direction')
  return { event_id: event.eventId, origin_server_ts: event.row.ts }
}

/** The one that a reader meets first who goes from the time in that direction. */
function nearer(one: StoredEvent | undefined, other: StoredEvent | undefined, dir: Direction): StoredEvent | undefined {
  if (!one || !other) return one ?? other
  return one.row.ts === other.row.ts || one.row.ts < other.row.ts === (dir === 'f') ? one : other
}
