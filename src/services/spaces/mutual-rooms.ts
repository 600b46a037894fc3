import { invalidParam } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import { countSharedRooms, listSharedRooms } from '../../storage/rooms/shared-rooms.ts'
import type { Viewer } from '../rooms/view/viewer.ts'

/** Rooms that two users are in. */
export interface MutualRooms {
  readonly joined: readonly string[]
  /** How many there are on all pages. */
  readonly count: number
  readonly next_batch?: string
}

const PAGE = 500
const TOKEN = /^r(\d{1,15})$/

/**
 * A page of the rooms that a user shares with another one, none where there is no such user (spec: client-server API,
 * Mutual Rooms). `M_INVALID_PARAM` for oneself and for a token that is none. Tokens are places among the rooms, so they
 * never grow old.
 */
export async function mutualRooms(
  db: Db,
  { userId, userNid }: Viewer,
  other: UserId,
  from: string | undefined,
): Promise<MutualRooms> {
  if (other === userId) throw invalidParam('You share all your rooms with yourself')
  const after = from === undefined ? '0' : TOKEN.exec(from)?.[1]
  if (after === undefined) throw invalidParam('Not a token of this server')
  const rows = await listSharedRooms(db, userNid, other, Number(after), PAGE + 1)
  const page = rows.slice(0, PAGE)
  const last = rows.length > PAGE ? page.at(-1) : undefined
  return {
    joined: page.map((row) => row.room_id),
    count: from === undefined && !last ? page.length : await countSharedRooms(db, userNid, other),
    ...(last && { next_batch: `r${last.room_nid}` }),
  }
}
