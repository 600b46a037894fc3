import { SEARCHED_TYPES } from '../../matrix/searchable.ts'
import { nameNids } from '../../storage/names.ts'
import type { SearchedRoom } from '../../storage/search/rooms.ts'
import type { IndexQuery } from '../../storage/search/store.ts'
import type { LongText } from '../../util/long-text.ts'
import { parseSearchTerm } from '../../util/search-tokens.ts'
import type { Reading } from '../reading/reading.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { EventFilter } from '../sync/event-filter.ts'
import { searchAnswer } from './search-answer.ts'
import { cursorToken, parseCursor, type SearchCursor } from './search-cursor.ts'
import type { SearchIndex } from './search-index.ts'
import type { SearchInput } from './search-input.ts'
import type { SearchedRooms } from './searched-rooms.ts'
import { visibleHits } from './visible-hits.ts'

export interface SearchDeps {
  readonly reading: Reading
  readonly index: SearchIndex
  readonly rooms: SearchedRooms
}

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 100
/** Beyond that, nobody cares how many there are exactly. */
const MAX_COUNTED = 1_000
const MAX_COUNTED_SINGLY = 200

/**
 * Searches what was said in the rooms that the user is or was in, as far as the user may see it; as JSON text (spec:
 * POST /search). By rank, what the term makes up most of comes first: the shortest texts, and of those the latest.
 */
export async function searchMessages(
  deps: SearchDeps,
  viewer: Viewer,
  input: SearchInput,
  nextBatch: string | undefined,
): Promise<LongText> {
  const { order, filter: content } = input
  const cursor = nextBatch === undefined ? undefined : parseCursor(nextBatch, order)
  const { words, highlights } = parseSearchTerm(input.term)
  const filter = new EventFilter(content)
  const rooms = (await deps.rooms.of(viewer.userNid)).filter(({ room_id }) => filter.admitsRoom(room_id))
  const query = await queryOf(deps, words, rooms, input)
  if (words.length === 0 || rooms.length === 0) {
    return searchAnswer(deps.reading, viewer, input, { found: [], count: 0, highlights, next: undefined })
  }
  await deps.index.reachNow()
  const limit = Math.min(Math.max(content.limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT)
  const roomIds = new Map(rooms.map((room) => [room.room_nid, room.room_id]))
  const page = { order, after: cursor?.after, limit }
  const narrowed = narrow(query, cursor)
  const [{ found, last, isEnd }, count] = await Promise.all([
    visibleHits(deps, narrowed, page, viewer, filter, roomIds),
    countHits(deps, query, rooms, viewer, filter),
  ])
  const hasMore = last !== undefined && (!isEnd || found.length === limit)
  const group = cursor?.group
  return searchAnswer(deps.reading, viewer, input, {
    found,
    count,
    highlights,
    next: hasMore ? (within) => cursorToken({ order, after: last, group: within ?? group }) : undefined,
  })
}

async function queryOf(
  { reading }: SearchDeps,
  words: IndexQuery['words'],
  rooms: readonly SearchedRoom[],
  { kinds, filter: { senders, types, not_types } }: SearchInput,
): Promise<IndexQuery> {
  const byType = new EventFilter({ types, not_types })
  const admitted = Object.entries(SEARCHED_TYPES).filter(
    ([type, kind]) => byType.admits({ type }) && (kinds?.includes(kind) ?? true),
  )
  const nids = senders && (await nameNids(reading.db, senders))
  return {
    words,
    roomNids: rooms.map((room) => room.room_nid),
    senderNids: nids && [...nids.values()],
    kinds: admitted.length === Object.keys(SEARCHED_TYPES).length ? undefined : admitted.map(([, kind]) => kind),
  }
}

/** A group goes on by itself. */
function narrow(query: IndexQuery, cursor: SearchCursor | undefined): IndexQuery {
  const group = cursor?.group
  if (!group) return query
  if (group.by === 'room_id') return { ...query, roomNids: query.roomNids.filter((nid) => nid === group.nid) }
  return { ...query, senderNids: (query.senderNids ?? [group.nid]).filter((nid) => nid === group.nid) }
}

/**
 * How many there are. Where some may be hidden from the user only those count that are not: the number itself would tell
 * of them.
 */
async function countHits(
  deps: SearchDeps,
  query: IndexQuery,
  rooms: readonly SearchedRoom[],
  viewer: Viewer,
  filter: EventFilter,
): Promise<number> {
  const { visibility } = deps.reading
  const open = (await visibility.ignoresNobody(viewer)) ? await deps.rooms.openAmong(rooms) : new Set<number>()
  const inOpen = { ...query, roomNids: query.roomNids.filter((nid) => open.has(nid)) }
  const guarded = rooms.filter((room) => !open.has(room.room_nid))
  const count = inOpen.roomNids.length === 0 ? 0 : await deps.index.count(inOpen, MAX_COUNTED)
  if (guarded.length === 0) return count
  const { found } = await visibleHits(
    deps,
    { ...query, roomNids: guarded.map((room) => room.room_nid) },
    { order: 'recent', limit: MAX_COUNTED_SINGLY },
    viewer,
    filter,
    new Map(guarded.map((room) => [room.room_nid, room.room_id])),
  )
  return count + found.length
}
