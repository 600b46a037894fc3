import { invalidParam } from '../../matrix/errors.ts'
import { nameNids } from '../../storage/names.ts'
import { eventsByNid } from '../../storage/rooms/events.ts'
import { type Child, listChildren, listChildrenOfAll } from '../../storage/rooms/relations.ts'
import { chunks } from '../../util/chunks.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import { roomToken } from '../tokens.ts'
import { findVisible } from './one-event.ts'
import { positionOfToken } from './places.ts'
import type { Reading } from './reading.ts'
import type { RoomView } from './room-access.ts'
import type { Direction } from './scan.ts'

export interface RelationsQuery {
  readonly eventId: string
  readonly relType?: string | undefined
  readonly eventType?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly limit?: number | undefined
  readonly dir: Direction
  /** Also the children of children (MSC3981). */
  readonly recurse: boolean
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500
/** Levels of relations that `recurse` follows; the specification asks for three. */
const MAX_DEPTH = 4
/** Children that `recurse` gathers: in a larger tree it sees the newest of each level. */
const MAX_GATHERED = 5_000
/** Parents that one query asks about. */
const PARENTS_AT_ONCE = 200

/** Positions of arrival between which children are wanted, both exclusive. */
interface Span {
  readonly after: number
  readonly before: number
}

/** Numbers of the types that a child must have. */
interface Wanted {
  readonly relTypeNid: number | undefined
  readonly typeNid: number | undefined
}

/** A page of an event's children in order of arrival, as JSON text (spec: GET /rooms/{roomId}/relations/{eventId}). */
export async function listRelations(
  reading: Reading,
  viewer: Viewer,
  roomId: string,
  query: RelationsQuery,
): Promise<string> {
  const { dir, from, recurse } = query
  const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
  if (limit < 1) throw invalidParam('A limit is at least 1')
  const { view, event } = await findVisible(reading, viewer, roomId, query.eventId)
  const wanted = await wantedOf(reading, query)
  // One more than asked for tells whether there are more.
  const page = { ...spanOf(query), backward: dir === 'b', limit: limit + 1 }
  const gathered = recurse && wanted ? await gather(reading, view, event.eventId) : undefined
  const nids = gathered && pick(gathered.children, wanted, page)
  const rows = nids
    ? await eventsInOrder(reading, nids)
    : wanted
      ? await listChildren(reading.db, view.room.nid, event.eventId, { ...page, ...wanted })
      : []
  const events = rows.slice(0, limit).map((row) => new StoredEvent(row, view.room.roomId, view.room.version))
  const visible = await reading.visibility.visibleEvents(view.room, events, viewer)
  const chunk = await reading.clientEvents.render(view.room, visible, viewer)
  const last = rows.length > limit ? events.at(-1) : undefined
  const next = last && roomToken(last.row.depth, dir === 'b' ? last.pos - 1 : last.pos)
  return [
    `{"chunk":[${chunk.join(',')}]`,
    next === undefined ? '' : `,"next_batch":${JSON.stringify(next)}`,
    from === undefined ? '' : `,"prev_batch":${JSON.stringify(from)}`,
    recurse ? `,"recursion_depth":${gathered?.depth ?? 1}}` : '}',
  ].join('')
}

/** A token is a place right after an event: backwards that one still belongs to the page. */
function spanOf({ dir, from, to }: RelationsQuery): Span {
  const start = from === undefined ? undefined : positionOfToken(from)
  const stop = to === undefined ? undefined : positionOfToken(to)
  const [after, upTo] = dir === 'b' ? [stop, start] : [start, stop]
  return {
    after: after ?? Number.MIN_SAFE_INTEGER,
    before: upTo === undefined ? Number.MAX_SAFE_INTEGER : upTo + 1,
  }
}

/** undefined: nothing can have these types, because nothing ever had. */
async function wantedOf({ db }: Reading, { relType, eventType }: RelationsQuery): Promise<Wanted | undefined> {
  const types = [relType, eventType].filter((type) => type !== undefined)
  const nids = await nameNids(db, types)
  if (types.some((type) => !nids.has(type))) return undefined
  return {
    relTypeNid: relType === undefined ? undefined : nids.get(relType),
    typeNid: eventType === undefined ? undefined : nids.get(eventType),
  }
}

/** The tree of relations below an event, level by level, each event once. */
async function gather(
  { db }: Reading,
  { room }: RoomView,
  rootId: string,
): Promise<{ children: Child[]; depth: number }> {
  const children: Child[] = []
  const seen = new Set([rootId])
  let parents = [rootId]
  let depth = 0
  while (depth < MAX_DEPTH && parents.length > 0 && children.length < MAX_GATHERED) {
    const level: string[] = []
    for (const part of chunks(parents, PARENTS_AT_ONCE)) {
      if (children.length >= MAX_GATHERED) break
      for (const child of await listChildrenOfAll(db, room.nid, part, MAX_GATHERED - children.length)) {
        if (seen.has(child.event_id)) continue
        seen.add(child.event_id)
        children.push(child)
        level.push(child.event_id)
      }
    }
    parents = level
    depth++
  }
  return { children, depth }
}

function pick(
  children: readonly Child[],
  wanted: Wanted | undefined,
  { after, before, backward, limit }: Span & { backward: boolean; limit: number },
): number[] {
  return children
    .filter(({ pos, rel_type_nid, type_nid }) => {
      const isType = wanted?.typeNid === undefined || wanted.typeNid === type_nid
      const isRelType = wanted?.relTypeNid === undefined || wanted.relTypeNid === rel_type_nid
      return pos > after && pos < before && isType && isRelType
    })
    .sort((a, b) => (backward ? b.pos - a.pos : a.pos - b.pos))
    .slice(0, limit)
    .map((child) => child.event_nid)
}

async function eventsInOrder({ db }: Reading, nids: readonly number[]) {
  const rows = new Map((await eventsByNid(db, nids)).map((row) => [row.nid, row]))
  return nids.map((nid) => rows.get(nid)).filter((row) => row !== undefined)
}
