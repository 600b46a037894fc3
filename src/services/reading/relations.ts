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
/** Children that one request looks at, however few of them may be seen: it then goes on with the next request. */
const MAX_SCANNED = 1_000
/** Children of one query once some turned out to be hidden. */
const SCANNED_AT_ONCE = 100
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
  const { view } = await findVisible(reading, viewer, roomId, query.eventId)
  const wanted = await wantedOf(reading, query)
  const { events, next } = wanted ? await readPage(reading, view, viewer, query, wanted, limit) : NO_PAGE
  const chunk = await reading.clientEvents.render(view.room, events, viewer)
  return [
    `{"chunk":[${chunk.join(',')}]`,
    next ? `,"next_batch":${JSON.stringify(tokenAt(next, dir))}` : '',
    from === undefined ? '' : `,"prev_batch":${JSON.stringify(from)}`,
    // How deep the server looks: how far it came would tell of children that are hidden.
    recurse ? `,"recursion_depth":${MAX_DEPTH}}` : '}',
  ].join('')
}

interface ChildPage {
  readonly events: readonly StoredEvent[]
  /** The event behind which there is more, or may be; undefined: there is nothing. */
  readonly next: StoredEvent | undefined
}

const NO_PAGE: ChildPage = { events: [], next: undefined }

/** The children that the viewer may see. That there are others shows neither in their number nor in the token. */
async function readPage(
  reading: Reading,
  view: RoomView,
  viewer: Viewer,
  query: RelationsQuery,
  wanted: Wanted,
  limit: number,
): Promise<ChildPage> {
  const { room } = view
  const backward = query.dir === 'b'
  const gathered = query.recurse ? await gather(reading, view, query.eventId) : undefined
  const shown: StoredEvent[] = []
  let span = spanOf(query, await reading.visibility.horizon(room, viewer))
  let last: StoredEvent | undefined
  for (let scanned = 0; scanned < MAX_SCANNED; ) {
    // One more than asked for tells whether there are more.
    const page = { ...span, backward, limit: scanned === 0 ? limit + 1 : SCANNED_AT_ONCE }
    const rows = gathered
      ? await eventsInOrder(reading, pick(gathered, wanted, page))
      : await listChildren(reading.db, room.nid, query.eventId, { ...page, ...wanted })
    const events = rows.map((row) => new StoredEvent(row, room.roomId, room.version))
    shown.push(...(await reading.visibility.visibleEvents(room, events, viewer)))
    if (shown.length > limit) return { events: shown.slice(0, limit), next: shown[limit - 1] }
    last = events.at(-1)
    if (!last || rows.length < page.limit) return { events: shown, next: undefined }
    span = backward ? { ...span, before: last.pos } : { ...span, after: last.pos }
    scanned += rows.length
  }
  return { events: shown, next: last }
}

const tokenAt = ({ row, pos }: StoredEvent, dir: Direction): string => roomToken(row.depth, dir === 'b' ? pos - 1 : pos)

/** A token is a place right after an event: backwards that one still belongs to the page. Of what came after leaving, nothing does. */
function spanOf({ dir, from, to }: RelationsQuery, horizon: number): Span {
  const start = from === undefined ? undefined : positionOfToken(from)
  const stop = to === undefined ? undefined : positionOfToken(to)
  const [after, upTo] = dir === 'b' ? [stop, start] : [start, stop]
  return { after: after ?? Number.MIN_SAFE_INTEGER, before: Math.min(upTo ?? horizon, horizon) + 1 }
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
async function gather({ db }: Reading, { room }: RoomView, rootId: string): Promise<Child[]> {
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
  return children
}

function pick(
  children: readonly Child[],
  { relTypeNid, typeNid }: Wanted,
  { after, before, backward, limit }: Span & { backward: boolean; limit: number },
): number[] {
  return children
    .filter(({ pos, rel_type_nid, type_nid }) => {
      const isType = typeNid === undefined || typeNid === type_nid
      const isRelType = relTypeNid === undefined || relTypeNid === rel_type_nid
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
