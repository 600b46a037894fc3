import { isObject, type JsonObject } from '../../matrix/json.ts'
import type { Pdu } from '../../room/event.ts'
import { redact } from '../../room/redaction.ts'
import { roomVersion } from '../../room/versions.ts'
import type { Db } from '../../storage/db.ts'
import { listPublishedState } from '../../storage/directory.ts'
import { countJoined } from '../../storage/memberships.ts'

/** A published room as the directory knows it. */
export interface PublicRoom {
  nid: number
  joined: number
  type: string | null
  /** What a search looks at, in one form. */
  searched: string
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

/** Reads these rooms, by number; those that are not published are left out. */
export async function loadPublicRooms(db: Db, nids: readonly number[]): Promise<Map<number, PublicRoom>> {
  const states = new Map<number, { roomId: string; contents: Map<string, JsonObject> }>()
  for (const row of await listPublishedState(db, nids, SHOWN_TYPES)) {
    const version = roomVersion(row.version)
    if (!version) continue
    const event = JSON.parse(row.json) as Pdu
    const { type, content } = row.redacted ? redact(event, version) : event
    const state = states.get(row.room_nid) ?? { roomId: row.room_id, contents: new Map() }
    if (isObject(content)) state.contents.set(type, content)
    states.set(row.room_nid, state)
  }
  const joined = await countJoined(db, [...states.keys()])
  return new Map(
    [...states].map(([nid, { roomId, contents }]) => [nid, publicRoom(nid, roomId, contents, joined.get(nid) ?? 0)]),
  )
}

function publicRoom(nid: number, roomId: string, state: ReadonlyMap<string, JsonObject>, joined: number): PublicRoom {
  const entry = roomEntry(roomId, state, joined)
  const texts = [entry.name, entry.topic, entry.canonical_alias].filter((text) => text !== undefined)
  const searched = texts.join('\n').normalize('NFKC').toLowerCase()
  return { nid, joined, type: typeof entry.room_type === 'string' ? entry.room_type : null, searched, entry }
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
