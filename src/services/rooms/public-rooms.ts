import { invalidParam } from '../../matrix/errors.ts'
import type { Db } from '../../storage/db.ts'
import * as directory from '../../storage/directory.ts'
import type { LiveRoom } from './live-room.ts'
import type { LiveRooms } from './live-rooms.ts'

interface Deps {
  db: Db
  rooms: LiveRooms
}

export interface PublicRoomsQuery {
  limit?: number | undefined
  since?: string | undefined
  search?: string | undefined
  /** Wanted room types; null stands for ordinary rooms. */
  roomTypes?: (string | null)[] | undefined
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 500

/**
 * A page of the published rooms, largest first (spec: client-server API, publicRooms). Search looks at name, topic and
 * aliases, case-insensitively and for any form of Hangul. `since` is the offset in the list.
 */
export async function listPublicRooms(deps: Deps, query: PublicRoomsQuery): Promise<Record<string, unknown>> {
  const offset = query.since === undefined ? 0 : Number(query.since)
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalidParam('Not a token of this server')
  const limit = Math.min(query.limit || DEFAULT_LIMIT, MAX_LIMIT)
  const wanted = query.search?.normalize('NFKC').toLowerCase().trim()
  const published = await directory.listPublished(deps.db)
  const isFiltered = Boolean(wanted) || query.roomTypes !== undefined

  const chunk: Record<string, unknown>[] = []
  let matched = 0
  let index = 0
  for (; index < published.length; index++) {
    // Without a filter only the page itself is loaded.
    if (!isFiltered && (index < offset || index >= offset + limit)) continue
    const { room_id: roomId, joined } = published[index] as (typeof published)[number]
    const room = await deps.rooms.find(roomId)
    if (!room) continue
    const entry = await publicRoomEntry(room, joined)
    if (isFiltered && !matches(entry, wanted, query.roomTypes)) continue
    if (!isFiltered || (matched >= offset && chunk.length < limit)) chunk.push(entry)
    matched++
  }
  const total = isFiltered ? matched : published.length
  return {
    chunk,
    total_room_count_estimate: total,
    ...(offset + limit < total && { next_batch: String(offset + limit) }),
    ...(offset > 0 && { prev_batch: String(Math.max(0, offset - limit)) }),
  }
}

/** What the directory shows of a room. */
export async function publicRoomEntry(room: LiveRoom, joined: number): Promise<Record<string, unknown>> {
  const state = await room.loadState(SHOWN.map((type) => [type, ''] as const))
  const field = (type: string, key: string) => {
    const value = state(type, '')?.pdu.content[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const entry: Record<string, unknown> = {
    room_id: room.roomId,
    num_joined_members: joined,
    world_readable: field('m.room.history_visibility', 'history_visibility') === 'world_readable',
    guest_can_join: field('m.room.guest_access', 'guest_access') === 'can_join',
    join_rule: field('m.room.join_rules', 'join_rule') ?? 'invite',
  }
  const optional = {
    name: field('m.room.name', 'name'),
    topic: field('m.room.topic', 'topic'),
    canonical_alias: field('m.room.canonical_alias', 'alias'),
    avatar_url: field('m.room.avatar', 'url'),
    room_type: field('m.room.create', 'type'),
  }
  for (const [key, value] of Object.entries(optional)) if (value !== undefined) entry[key] = value
  return entry
}

const SHOWN = [
  'm.room.create',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
] as const

function matches(
  entry: Record<string, unknown>,
  wanted: string | undefined,
  roomTypes: (string | null)[] | undefined,
): boolean {
  if (roomTypes && !roomTypes.includes((entry.room_type as string | undefined) ?? null)) return false
  if (!wanted) return true
  return [entry.name, entry.topic, entry.canonical_alias].some(
    (text) => typeof text === 'string' && text.normalize('NFKC').toLowerCase().includes(wanted),
  )
}
