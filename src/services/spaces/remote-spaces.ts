import { LRUCache } from 'lru-cache'
import type { FederationClient } from '../../federation/client.ts'
import { RemoteFailure } from '../../federation/remote-failure.ts'
import { MatrixError } from '../../matrix/errors.ts'
import { isRoomId, type RoomId } from '../../matrix/ids.ts'
import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'
import type { Clock } from '../../util/clock.ts'
import { askableServers } from '../rooms/askable-servers.ts'
import { type ChildLink, compareLinks, readChildLink } from './child-link.ts'
import { MAX_CHILDREN, type Preview } from './preview.ts'

/** What another server told of a room. Whether the user may see any of it is for us to say. */
export interface RemoteSpace {
  readonly room: Preview
  readonly links: readonly ChildLink[]
  readonly children: ReadonlyMap<string, Preview>
  /** Rooms that we could not get to in any way. */
  readonly inaccessible: ReadonlySet<string>
}

interface Deps {
  readonly clock: Clock
  readonly serverName: string
  readonly client: FederationClient
  mayFederate(serverName: string): boolean
}

interface Kept {
  readonly space: RemoteSpace
  readonly until: number
}

/** Servers that are asked about one room. */
const MAX_ASKED = 3
/** How long an answer is kept (spec: it should be cached for a period of time). A refusal is not: it may end at once. */
const KEPT_MS = 5 * 60_000
/** All answers that are kept, in characters of JSON. */
const MAX_KEPT = 8 * 1024 * 1024
const MAX_ADMITTING = 100
const MAX_TEXT = 10_000

/** Rooms that this server is not in, as other servers describe them (spec: server-server API, hierarchy). */
export class RemoteSpaces {
  readonly #deps: Deps
  readonly #kept = new LRUCache<string, Kept>({ maxSize: MAX_KEPT, maxEntrySize: MAX_KEPT / 8 })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** What the first of these servers that answers tells; undefined when none does. */
  async find(roomId: RoomId, servers: readonly string[], suggestedOnly: boolean): Promise<RemoteSpace | undefined> {
    const { clock, client } = this.#deps
    const key = `${suggestedOnly} ${roomId}`
    const kept = this.#kept.get(key)
    if (kept && kept.until > clock.now()) return kept.space
    for (const server of askableServers(this.#deps, servers, MAX_ASKED)) {
      try {
        const body = await client.queries.getSpaceHierarchy(server, roomId, suggestedOnly)
        const space = readSpace(roomId, body)
        if (!space) continue
        this.#kept.set(key, { space, until: clock.now() + KEPT_MS }, { size: JSON.stringify(body).length })
        return space
      } catch (error) {
        if (!(error instanceof RemoteFailure) && !(error instanceof MatrixError)) throw error
      }
    }
    return undefined
  }
}

function readSpace(roomId: RoomId, { room, children, inaccessible_children }: JsonObject): RemoteSpace | undefined {
  const preview = isObject(room) ? readPreview(room) : undefined
  if (!isObject(room) || preview?.roomId !== roomId) return undefined
  const links = preview.isSpace ? objects(room.children_state).flatMap((event) => readChildLink(event) ?? []) : []
  const previews = objects(children).flatMap((child) => readPreview(child) ?? [])
  const inaccessible = Array.isArray(inaccessible_children) ? inaccessible_children.slice(0, MAX_CHILDREN) : []
  return {
    room: preview,
    links: links.sort(compareLinks),
    children: new Map(previews.map((child) => [child.roomId, child])),
    inaccessible: new Set(inaccessible.filter((id) => typeof id === 'string')),
  }
}

const objects = (list: Json | undefined): JsonObject[] =>
  Array.isArray(list) ? list.slice(0, MAX_CHILDREN).filter(isObject) : []

/** Takes over what the specification names, where it has the type that it should have. */
function readPreview(body: JsonObject): Preview | undefined {
  const { room_id: roomId, num_joined_members: joined, allowed_room_ids: allowed } = body
  if (typeof roomId !== 'string' || !isRoomId(roomId)) return undefined
  const entry: JsonObject = {
    room_id: roomId,
    num_joined_members: typeof joined === 'number' && Number.isSafeInteger(joined) ? Math.max(0, joined) : 0,
    world_readable: body.world_readable === true,
    guest_can_join: body.guest_can_join === true,
  }
  for (const name of TEXTS) {
    const text = body[name]
    if (typeof text === 'string' && text.length <= MAX_TEXT) entry[name] = text
  }
  // "When not present, the room is assumed to be public" (spec: PublishedRoomsChunk).
  const rule = entry.join_rule ?? 'public'
  const isRestricted = rule === 'restricted' || rule === 'knock_restricted'
  const named = Array.isArray(allowed) ? allowed.filter((id) => typeof id === 'string').filter(isRoomId) : []
  const admitting = isRestricted ? named.slice(0, MAX_ADMITTING) : []
  if (isRestricted) entry.allowed_room_ids = admitting
  return {
    roomId,
    entry,
    isSpace: entry.room_type === 'm.space',
    isWorldReadable: entry.world_readable === true,
    isOpen: rule === 'public' || rule === 'knock' || rule === 'knock_restricted',
    admitting,
  }
}

const TEXTS = [
  'name',
  'topic',
  'canonical_alias',
  'avatar_url',
  'join_rule',
  'room_type',
  'encryption',
  'room_version',
] as const
