import { invalidParam } from '../../matrix/errors.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { EventFilterContent } from '../sync/filter-schema.ts'
import { tokenAfter } from '../tokens.ts'
import { sendersOf } from './lazy-members.ts'
import { arrivalBefore, END, earlier, endOf, placeOfToken, START } from './places.ts'
import type { Reading } from './reading.ts'
import { type Direction, scan } from './scan.ts'

export interface MessagesQuery {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly dir: Direction
  readonly limit?: number | undefined
  readonly filter?: EventFilterContent | undefined
}

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1_000

/** The number of events to answer with. Throws `M_INVALID_PARAM` for a negative one. */
export function limitOf(asked: number | undefined, filter: EventFilterContent, otherwise = DEFAULT_LIMIT): number {
  const limit = Math.min(asked ?? filter.limit ?? otherwise, filter.limit ?? MAX_LIMIT, MAX_LIMIT)
  if (limit < 0) throw invalidParam('A limit cannot be negative')
  return limit
}

/** A page of a room's timeline, as JSON text (spec: GET /rooms/{roomId}/messages). */
export async function listMessages(
  reading: Reading,
  viewer: Viewer,
  roomId: string,
  { from, to, dir, limit, filter = {} }: MessagesQuery,
): Promise<string> {
  const { db, access, clientEvents, past } = reading
  const { room, end } = await access.view(roomId, viewer)
  const place = (token: string | undefined) => (token === undefined ? undefined : placeOfToken(db, room, token))
  const last = end ?? END
  const start = earlier((await place(from)) ?? (dir === 'b' ? await endOf(db, room) : START), last)
  const stop = (await place(to)) ?? (dir === 'b' ? START : END)
  const before = { depth: start.depth, pos: start.pos + 1 }
  const gap = dir === 'b' ? await past.reach(room, before, limitOf(limit, filter)) : undefined
  const { events, next } = await scan(reading, room, viewer, {
    direction: dir,
    from: start,
    to: dir === 'b' ? stop : earlier(stop, last),
    gap,
    arrivedBy: dir === 'b' && from !== undefined ? arrivalBefore(from) : undefined,
    limit: limitOf(limit, filter),
    filter,
  })
  const chunk = await clientEvents.render(room, events, viewer)
  const members = filter.lazy_load_members ? await sendersOf(reading, room, events, events[0]) : []
  const state = await clientEvents.render(room, members, viewer, { brief: true })
  return [
    `{"start":${JSON.stringify(from ?? tokenAfter(start))}`,
    next ? `,"end":${JSON.stringify(tokenAfter(next))}` : '',
    `,"chunk":[${chunk.join(',')}]`,
    state.length > 0 ? `,"state":[${state.join(',')}]}` : '}',
  ].join('')
}
