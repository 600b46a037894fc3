import { nameNids } from '../../storage/names.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/viewer.ts'
import { EventFilter, filterable } from '../sync/event-filter.ts'
import type { EventFilterContent } from '../sync/filter-schema.ts'
import { tokenAfter } from '../tokens.ts'
import { sendersOf } from './lazy-members.ts'
import { limitOf } from './messages.ts'
import { findVisible } from './one-event.ts'
import { END, START } from './places.ts'
import type { Reading } from './reading.ts'
import { placeOf } from './room-access.ts'
import { scan } from './scan.ts'
import { statePages } from './state-pages.ts'

export interface ContextQuery {
  readonly limit?: number | undefined
  readonly filter?: EventFilterContent | undefined
}

/** What happened around an event, as JSON text (spec: GET /rooms/{roomId}/context/{eventId}). */
export async function getContext(
  reading: Reading,
  viewer: Viewer,
  roomId: string,
  eventId: string,
  { limit: asked, filter = {} }: ContextQuery,
): Promise<string> {
  const { view, event } = await findVisible(reading, viewer, roomId, eventId)
  const { room, end } = view
  const limit = limitOf(asked, filter)
  const place = placeOf(event)
  const before = await scan(reading, room, viewer, {
    direction: 'b',
    from: { depth: place.depth, pos: place.pos - 1 },
    to: START,
    limit: Math.floor(limit / 2),
    filter,
  })
  const after = await scan(reading, room, viewer, {
    direction: 'f',
    from: place,
    to: end ?? END,
    limit: limit - Math.floor(limit / 2),
    filter,
  })
  const shown = [...before.events, event, ...after.events]
  const texts = await reading.clientEvents.render(room, shown, viewer)
  const state = await stateTexts(reading, room, shown, viewer, filter)
  const first = before.events.length
  const start = placeOf(before.events.at(-1) ?? event)
  return [
    `{"start":${JSON.stringify(tokenAfter({ depth: start.depth, pos: start.pos - 1 }))}`,
    `,"end":${JSON.stringify(tokenAfter(placeOf(after.events.at(-1) ?? event)))}`,
    `,"events_before":[${texts.slice(0, first).join(',')}]`,
    `,"event":${texts[first]}`,
    `,"events_after":[${texts.slice(first + 1).join(',')}]`,
    `,"state":[${state.join(',')}]}`,
  ].join('')
}

/** The state at the last event that is shown: all of it, or without the members who sent none of the events. */
async function stateTexts(
  reading: Reading,
  room: LiveRoom,
  shown: readonly StoredEvent[],
  viewer: Viewer,
  filter: EventFilterContent,
): Promise<string[]> {
  const { db, clientEvents } = reading
  const last = shown.at(-1)
  const judge = new EventFilter(filter)
  const texts: string[] = []
  const add = async (events: readonly StoredEvent[]) => {
    const passing = events.filter((event) => judge.admits(filterable(event)))
    texts.push(...(await clientEvents.render(room, passing, viewer, { brief: true })))
  }
  const stateNid = last?.row.state_nid ?? undefined
  if (stateNid === undefined || !judge.admitsRoom(room.roomId)) return texts
  const members = filter.lazy_load_members ? await sendersOf(reading, room, shown, last) : []
  const exceptType = filter.lazy_load_members ? (await nameNids(db, ['m.room.member'])).get('m.room.member') : undefined
  await add(members)
  for await (const page of statePages(db, room, { stateNid, ...(exceptType !== undefined && { exceptType }) })) {
    await add(page)
  }
  return texts
}
