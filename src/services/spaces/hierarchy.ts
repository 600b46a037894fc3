import { forbidden } from '../../matrix/errors.ts'
import { type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import type { Clock } from '../../util/clock.ts'
import { Turn } from '../../util/turn.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { ChildLink } from './child-link.ts'
import { childrenOf, type Preview, previewOf } from './preview.ts'
import { mayPreview } from './preview-access.ts'
import type { RemoteSpace, RemoteSpaces } from './remote-spaces.ts'
import type { Stop, Walk, WalkRequest, Walks } from './walk.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly remoteSpaces: RemoteSpaces
  readonly walks: Walks
}

export interface HierarchyQuery {
  readonly limit: number | undefined
  readonly maxDepth: number | undefined
  readonly suggestedOnly: boolean
  readonly from: string | undefined
}

interface Found {
  readonly room: Preview
  readonly links: readonly ChildLink[]
  /** Undefined for a room that this server is in. */
  readonly remote: RemoteSpace | undefined
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 50
/** Also the default: whoever wants all gets all that anybody built on purpose. */
const MAX_DEPTH = 20
/** Rooms that one walk comes to in all its pages. */
const MAX_SEEN = 5_000
/** Rooms that one request looks at, whether the user may see them or not. */
const MAX_STOPS = 200
/** After this a request begins with no further room: other servers take their time. The page is shorter then. */
const MAX_MS = 10_000

/** Walks through spaces for clients (spec: client-server API, Discovering rooms within spaces). */
export class Hierarchy {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * A page of the rooms below a space, depth first, that the user may see. `M_FORBIDDEN` for a root that the user may
   * not see, whether it exists or not.
   */
  async page(userId: UserId, roomId: RoomId, query: HierarchyQuery): Promise<JsonObject> {
    const { clock, walks } = this.#deps
    const maxDepth = Math.min(query.maxDepth ?? MAX_DEPTH, MAX_DEPTH)
    const request: WalkRequest = { userId, roomId, maxDepth, suggestedOnly: query.suggestedOnly }
    const walk = query.from === undefined ? begin(request) : walks.resume(query.from, request)
    const [ahead, seen] = [[...walk.ahead], new Set(walk.seen)]
    const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
    const rooms: JsonObject[] = []
    const turn = new Turn()
    const until = clock.now() + MAX_MS
    for (let stops = 0; rooms.length < limit && stops < MAX_STOPS; stops++) {
      const stop = ahead.pop()
      if (!stop) break
      const found = await this.#visit(stop, request)
      if (!found && stop.depth === 0) throw forbidden('You may not view this room')
      if (found) {
        rooms.push({ ...found.room.entry, children_state: found.links.map((link) => link.event) })
        if (stop.depth < maxDepth) lookAhead(found, stop.depth + 1, ahead, seen)
      }
      if (clock.now() >= until) break
      if (turn.isOver) await turn.give()
    }
    return { rooms, ...(ahead.length > 0 && { next_batch: walks.keep({ request, ahead, seen }) }) }
  }

  /** What there is at a stop, if the user may see it. What this server knows itself counts more than what it is told. */
  async #visit({ roomId, via, told }: Stop, { userId, suggestedOnly }: WalkRequest): Promise<Found | undefined> {
    const { db, rooms, remoteSpaces } = this.#deps
    const local = await rooms.find(roomId)
    if (local && local.localJoined.size > 0) {
      const room = await previewOf(local)
      if (!(await mayPreview(db, userId, room, local))) return undefined
      const links = await childrenOf(db, local, room)
      return { room, links: suggestedOnly ? links.filter((link) => link.isSuggested) : links, remote: undefined }
    }
    // Of a room that has no children to tell of, its parent's server has told all.
    const remote = told && !told.isSpace ? undefined : await remoteSpaces.find(roomId, via, suggestedOnly)
    const room = remote?.room ?? told
    if (!room || !(await mayPreview(db, userId, room, local))) return undefined
    const links = remote?.links ?? []
    return { room, links: suggestedOnly ? links.filter((link) => link.isSuggested) : links, remote }
  }
}

function begin(request: WalkRequest): Walk {
  const { roomId } = request
  const server = serverOf(roomId)
  const root: Stop = { roomId, depth: 0, via: server === '' ? [] : [server] }
  return { request, ahead: [root], seen: new Set([roomId]) }
}

/** Puts the children of a room next, the first of them last. */
function lookAhead({ links, remote }: Found, depth: number, ahead: Stop[], seen: Set<string>): void {
  const stops: Stop[] = []
  for (const { roomId, via } of links) {
    if (seen.size >= MAX_SEEN) break
    if (seen.has(roomId)) continue
    seen.add(roomId)
    if (!remote?.inaccessible.has(roomId)) stops.push({ roomId, depth, via, told: remote?.children.get(roomId) })
  }
  ahead.push(...stops.reverse())
}
