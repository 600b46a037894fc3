import type { RoomId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { listStateOfType } from '../../storage/rooms/spaces.ts'
import { roomEntry, SHOWN_TYPES } from '../rooms/directory/public-room.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { admittingRooms } from '../rooms/membership/restricted-join.ts'
import { strippedEvent } from '../rooms/state/stripped-state.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import { type ChildLink, compareLinks, readChildLink, SPACE_CHILD } from './child-link.ts'

/** What may be told of a room to those who may see it without being in it. */
export interface Preview {
  readonly roomId: RoomId
  /** In the form of the specification's RoomSummary. */
  readonly entry: JsonObject
  readonly isSpace: boolean
  readonly isWorldReadable: boolean
  /** Anybody may join, or knock. */
  readonly isOpen: boolean
  /** Members of these rooms may join. */
  readonly admitting: readonly string[]
}

const ENCRYPTION = 'm.room.encryption'
/** Links that are read of one space, which bounds what anybody can have us read by filling one up. */
export const MAX_CHILDREN = 1_000

/** The preview of a room that this server is in. */
export async function previewOf(room: LiveRoom): Promise<Preview> {
  const { roomId, version } = room
  const types = [...SHOWN_TYPES, ENCRYPTION]
  const state = await room.loadState(types.map((type) => [type, ''] as const))
  const contents = new Map<string, JsonObject>()
  for (const type of types) {
    const event = state(type, '')
    if (event instanceof StoredEvent && isObject(event.visible.content)) contents.set(type, event.visible.content)
  }
  const entry = roomEntry(roomId, contents, room.counts.get('join') ?? 0)
  const admitting = await admittingRooms(room)
  const algorithm = contents.get(ENCRYPTION)?.algorithm
  const rule = entry.join_rule
  return {
    roomId,
    entry: {
      ...entry,
      room_version: version.id,
      ...(typeof algorithm === 'string' && { encryption: algorithm }),
      ...(admitting && { allowed_room_ids: admitting }),
    },
    isSpace: entry.room_type === 'm.space',
    isWorldReadable: entry.world_readable === true,
    isOpen:
      rule === 'public' ||
      (rule === 'knock' && version.knock) ||
      (rule === 'knock_restricted' && version.knockRestricted),
    admitting: admitting ?? [],
  }
}

/** The children of a space that this server is in, in their order; of a room that is no space, none. */
export async function childrenOf(db: Db, room: LiveRoom, { isSpace }: Preview): Promise<ChildLink[]> {
  if (!isSpace) return []
  const rows = await listStateOfType(db, room.nid, SPACE_CHILD, MAX_CHILDREN)
  const links = rows.flatMap((row) => {
    const event = new StoredEvent(row, room.roomId, room.version)
    const { content } = event.visible
    return readChildLink({ ...strippedEvent(event), content, origin_server_ts: row.ts }) ?? []
  })
  return links.sort(compareLinks)
}
