import { nameNids } from '../../storage/names.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { EventFilter, filterable } from '../sync/event-filter.ts'
import type { EventFilterContent } from '../sync/filter-schema.ts'
import { type Placed, tokenAfter } from '../tokens.ts'
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
  const half = Math.floor(limit / 2)
  await reading.past.reach(room, placeOf(event), half)
  const around = await eventsAround(reading, room, end, viewer, event, { before: half, after: limit - half, filter })
  const shown = [...around.before, event, ...around.after]
  const texts = await reading.clientEvents.render(room, shown, viewer)
  const state = await stateTexts(reading, room, shown, viewer, filter)
  const first = around.before.length
  return [
    `{"start":${JSON.stringify(around.start)}`,
    `,"end":${JSON.stringify(around.end)}`,
    `,"events_before":[${texts.slice(0, first).join(',')}]`,
    `,"event":${texts[first]}`,
    `,"events_after":[${texts.slice(first + 1).join(',')}]`,
    `,"state":[${state.join(',')}]}`,
  ].join('')
}

interface Surroundings {
  readonly before: readonly StoredEvent[]
  readonly after: readonly StoredEvent[]
  /** Tokens from where it goes on, in either direction. */
  readonly start: string
  readonly end: string
}

/** What the viewer may see before an event, latest first, and after it. `end`: the last place that the viewer can see. */
export async function eventsAround(
  reading: Reading,
  room: LiveRoom,
  end: Placed | undefined,
  viewer: Viewer,
  event: StoredEvent,
  { before, after, filter }: { before: number; after: number; filter: EventFilterContent },
): Promise<Surroundings> {
  const place = placeOf(event)
  const from = { depth: place.depth, pos: place.pos - 1 }
  const earlier = await scan(reading, room, viewer, { direction: 'b', from, to: START, limit: before, filter })
  const later = await scan(reading, room, viewer, {
    direction: 'f',
    from: place,
    to: end ?? END,
    limit: after,
    filter,
  })
  const first = placeOf(earlier.events.at(-1) ?? event)
  return {
    before: earlier.events,
    after: later.events,
    start: tokenAfter({ depth: first.depth, pos: first.pos - 1 }),
    end: tokenAfter(placeOf(later.events.at(-1) ?? event)),
  }
}

/** The state at the last event that is shown and has one that the viewer may read: all of it, or without the members who sent none of the events. */
async function stateTexts(
  reading: Reading,
  room: LiveRoom,
  shown: readonly StoredEvent[],
  viewer: Viewer,
  filter: EventFilterContent,
): Promise<string[]> {
  const { db, clientEvents, visibility } = reading
  const last = (await visibility.withReadableState(room, shown, viewer)).at(-1)
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
