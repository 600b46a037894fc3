import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { skimPdu } from '../../../room/event.ts'
import { redact } from '../../../room/redaction.ts'
import { roomVersion } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import { listNetworks, listPublishedState } from '../../../storage/rooms/directory.ts'
import { countJoined } from '../../../storage/rooms/memberships.ts'
import { instanceIdOf } from '../../appservices/networks.ts'
import { type RoomTexts, roomTexts } from './public-room-search.ts'

/** A published room as the directory knows it. */
export interface PublicRoom {
  nid: number
  joined: number
  type: string | null
  /** Whether it is in the server's own directory. */
  isPublic: boolean
  /** The networks, by instance id, in whose directories it is. */
  networks: readonly string[]
  searched: RoomTexts
  /** What clients are shown. */
  entry: Record<string, unknown>
}

/** The state that is shown. */
export const SHOWN_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
] as const

interface ReadRoom {
  readonly roomId: string
  readonly isPublic: boolean
  readonly contents: Map<string, JsonObject>
}

/**
 * Reads these rooms, by number; those that are in no directory are left out. `isService`: whether there still is an
 * application service with this id.
 */
export async function loadPublicRooms(
  db: Db,
  nids: readonly number[],
  isService: (id: string) => boolean,
): Promise<Map<number, PublicRoom>> {
  const states = new Map<number, ReadRoom>()
  for (const row of await listPublishedState(db, nids, SHOWN_TYPES)) {
    const version = roomVersion(row.version)
    if (!version) continue
    const event = skimPdu(row.json)
    const { type, content } = row.redacted ? redact(event, version) : event
    const state = states.get(row.room_nid) ?? {
      roomId: row.room_id,
      isPublic: row.is_public === 1,
      contents: new Map<string, JsonObject>(),
    }
    if (isObject(content)) state.contents.set(type, content)
    states.set(row.room_nid, state)
  }
  const joined = await countJoined(db, [...states.keys()])
  const found = new Map<number, PublicRoom>()
  const networks = Map.groupBy(await listNetworks(db, nids), (row) => row.room_nid)
  for (const [nid, room] of states) {
    const known = (networks.get(nid) ?? []).filter(({ service }) => isService(service))
    if (!room.isPublic && known.length === 0) continue
    const ids = known.map(({ service, network }) => instanceIdOf(service, network))
    found.set(nid, publicRoom(nid, room, joined.get(nid) ?? 0, ids))
  }
  return found
}

function publicRoom(
  nid: number,
  { roomId, isPublic, contents }: ReadRoom,
  joined: number,
  networks: readonly string[],
): PublicRoom {
  const entry = roomEntry(roomId, contents, joined)
  const searched = roomTexts(
    [entry.name, entry.topic, entry.canonical_alias].filter((text) => typeof text === 'string'),
  )
  const type = typeof entry.room_type === 'string' ? entry.room_type : null
  return { nid, joined, type, isPublic, networks, searched, entry }
}

/** What strangers are shown of a room (spec: PublishedRoomsChunk), from the contents of its `SHOWN_TYPES` by type. */
export function roomEntry(roomId: string, state: ReadonlyMap<string, JsonObject>, joined: number): JsonObject {
  const field = (type: string, key: string) => {
    const value = state.get(type)?.[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const optional = {
    name: field('m.room.name', 'name'),
    topic: field('m.room.topic', 'topic'),
    canonical_alias: field('m.room.canonical_alias', 'alias'),
    avatar_url: field('m.room.avatar', 'url'),
    room_type: field('m.room.create', 'type'),
  }
  const entry: JsonObject = {
    room_id: roomId,
    num_joined_members: joined,
    world_readable: field('m.room.history_visibility', 'history_visibility') === 'world_readable',
    guest_can_join: field('m.room.guest_access', 'guest_access') === 'can_join',
    join_rule: field('m.room.join_rules', 'join_rule') ?? 'invite',
  }
  for (const [key, value] of Object.entries(optional)) if (value !== undefined) entry[key] = value
  return entry
}
