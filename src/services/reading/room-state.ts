import { notFound } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import { nameNids } from '../../storage/names.ts'
import { eventsByNid } from '../../storage/rooms/events.ts'
import { stateEntry } from '../../storage/state/state.ts'
import { LongText } from '../../util/long-text.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Reading } from './reading.ts'
import type { RoomView } from './room-access.ts'
import { statePages } from './state-pages.ts'

/** The state of a room, or as it was when the user left, as JSON text (spec: GET /rooms/{roomId}/state). */
export async function listState(reading: Reading, viewer: Viewer, roomId: string): Promise<LongText> {
  const view = await reading.access.whole(roomId, viewer)
  return new LongText('[', await stateTexts(reading, view, viewer), ']')
}

/** The texts of all state events that the view shows, separated by commas. */
export async function stateTexts({ db, clientEvents }: Reading, view: RoomView, viewer: Viewer): Promise<LongText> {
  const texts = new LongText()
  const stateNid = view.leaving?.row.state_nid ?? undefined
  for await (const page of statePages(db, view.room, { stateNid })) {
    for (const text of await clientEvents.render(view.room, page, viewer, { brief: true })) texts.pushItem(text)
  }
  return texts
}

export interface StateQuery {
  readonly type: string
  readonly stateKey: string
  readonly format: 'content' | 'event'
}

/** One state event, or its content alone, as JSON text. `M_NOT_FOUND` where there is none. */
export async function getStateEvent(
  reading: Reading,
  viewer: Viewer,
  roomId: string,
  { type, stateKey, format }: StateQuery,
): Promise<string> {
  const shown = await reading.access.view(roomId, viewer)
  // Of members only our own are surely known in a room that was just joined.
  const isStranger = type === 'm.room.member' && !shown.room.localJoined.has(stateKey as UserId)
  const view = isStranger ? await reading.access.whole(roomId, viewer) : shown
  const event = view.leaving
    ? await stateEventAt(reading, view, view.leaving, type, stateKey)
    : await view.room.stateEvent(type, stateKey)
  if (!event) throw notFound('There is no such state event')
  if (format === 'content') return JSON.stringify(event.visible.content)
  return reading.clientEvents.renderOne(view.room, event, viewer)
}

async function stateEventAt(
  { db }: Reading,
  { room }: RoomView,
  at: StoredEvent,
  type: string,
  stateKey: string,
): Promise<StoredEvent | undefined> {
  const names = await nameNids(db, [type, stateKey])
  const [typeNid, keyNid, stateNid] = [names.get(type), names.get(stateKey), at.row.state_nid]
  if (typeNid === undefined || keyNid === undefined || stateNid === null) return undefined
  const eventNid = await stateEntry(db, stateNid, typeNid, keyNid)
  const [row] = eventNid === undefined ? [] : await eventsByNid(db, [eventNid])
  return row && new StoredEvent(row, room.roomId, room.version)
}
