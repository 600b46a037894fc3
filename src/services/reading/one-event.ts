import { notFound } from '../../matrix/errors.ts'
import { isEventId } from '../../matrix/ids.ts'
import { EVENT_KIND, findEvent } from '../../storage/rooms/events.ts'
import { findRoomByNid } from '../../storage/rooms/rooms.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Reading } from './reading.ts'
import type { RoomView } from './room-access.ts'

export interface FoundEvent {
  readonly view: RoomView
  readonly event: StoredEvent
}

/**
 * An event that the user may see; `M_NOT_FOUND` for one that is hidden as for one that does not exist. For a member it is
 * fetched from other servers where it is not here: a reply or a link may lead to what was before anybody here joined.
 */
export async function findVisible(
  { db, access, visibility, past }: Reading,
  viewer: Viewer,
  roomId: string,
  eventId: string,
): Promise<FoundEvent> {
  const view = await access.find(roomId, viewer)
  if (!view) throw notFound('Event not found')
  const { room } = view
  let row = await findEvent(db, eventId)
  const isAway = row === undefined || row.kind === EVENT_KIND.outlier
  if (isAway && isEventId(eventId) && room.localJoined.has(viewer.userId)) {
    await past.fetch(room, eventId)
    row = await findEvent(db, eventId)
  }
  const found = row?.room_nid === room.nid ? new StoredEvent(row, room.roomId, room.version) : undefined
  const [event] = found?.isTimeline ? await visibility.visibleEvents(room, [found], viewer) : []
  if (!event) throw notFound('Event not found')
  return { view, event }
}

/** One event, as JSON text (spec: GET /rooms/{roomId}/event/{eventId}). */
export async function getEvent(reading: Reading, viewer: Viewer, roomId: string, eventId: string): Promise<string> {
  const { view, event } = await findVisible(reading, viewer, roomId, eventId)
  return reading.clientEvents.renderOne(view.room, event, viewer)
}

/** The same for an event whose room is not named (spec: GET /events/{eventId}, deprecated). */
export async function getEventOfAnyRoom(reading: Reading, viewer: Viewer, eventId: string): Promise<string> {
  const row = await findEvent(reading.db, eventId)
  const room = row && (await findRoomByNid(reading.db, row.room_nid))
  if (!room) throw notFound('Event not found')
  return getEvent(reading, viewer, room.room_id, eventId)
}
