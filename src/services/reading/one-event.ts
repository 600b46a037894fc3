import { notFound } from '../../matrix/errors.ts'
import { findEvent } from '../../storage/events.ts'
import { findRoomByNid } from '../../storage/rooms.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/viewer.ts'
import type { Reading } from './reading.ts'
import type { RoomView } from './room-access.ts'

export interface FoundEvent {
  readonly view: RoomView
  readonly event: StoredEvent
}

/** An event that the user may see; `M_NOT_FOUND` for one that is hidden as for one that does not exist. */
export async function findVisible(
  { db, access, visibility }: Reading,
  viewer: Viewer,
  roomId: string,
  eventId: string,
): Promise<FoundEvent> {
  const view = await access.find(roomId, viewer)
  const row = view && (await findEvent(db, eventId))
  if (view && row?.room_nid === view.room.nid) {
    const { room } = view
    const found = new StoredEvent(row, room.roomId, room.version)
    const [event] = found.isTimeline ? await visibility.visibleEvents(room, [found], viewer) : []
    if (event) return { view, event }
  }
  throw notFound('Event not found')
}

/** One event, as JSON text (spec: GET /rooms/{roomId}/event/{eventId}). */
export async function getEvent(reading: Reading, viewer: Viewer, roomId: string, eventId: string): Promise<string> {
  const { view, event } = await findVisible(reading, viewer, roomId, eventId)
  const [text] = await reading.clientEvents.render(view.room, [event], viewer)
  return text as string
}

/** The same for an event whose room is not named (spec: GET /events/{eventId}, deprecated). */
export async function getEventOfAnyRoom(reading: Reading, viewer: Viewer, eventId: string): Promise<string> {
  const row = await findEvent(reading.db, eventId)
  const room = row && (await findRoomByNid(reading.db, row.room_nid))
  if (!room) throw notFound('Event not found')
  return getEvent(reading, viewer, room.room_id, eventId)
}
