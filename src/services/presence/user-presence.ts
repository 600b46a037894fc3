import type { JsonObject } from '../../matrix/json.ts'
import type { StoredPresence } from '../../storage/presence.ts'
import type { Owner } from '../account-data/account-data.ts'

export const PRESENCES = ['online', 'unavailable', 'offline'] as const
export type PresenceState = (typeof PRESENCES)[number]

/** What is known of one user. */
export interface UserPresence extends Owner {
  presence: PresenceState
  statusMsg: string | undefined
  lastActiveTs: number
  pos: number
  /** The rooms, by number, that the user was in at the last change; undefined until somebody asks. */
  rooms: readonly number[] | undefined
}

/** A user who was active within this time is `currently_active`. */
const ACTIVE_MS = 60_000

/** Of a user of whom nothing is known. */
export const unknownPresence = ({ userId, userNid }: Owner): UserPresence => ({
  userId,
  userNid,
  presence: 'offline',
  statusMsg: undefined,
  lastActiveTs: 0,
  pos: 0,
  rooms: undefined,
})

/** What a row says. */
export const storedPresence = (row: StoredPresence): UserPresence => ({
  userId: row.user_id,
  userNid: row.user_nid,
  presence: PRESENCES.find((state) => state === row.presence) ?? 'offline',
  statusMsg: row.status_msg ?? undefined,
  lastActiveTs: row.last_active_ts,
  pos: row.pos,
  rooms: undefined,
})

/** The content of an `m.presence` event. */
export function presenceContent({ presence, statusMsg, lastActiveTs }: UserPresence, now: number): JsonObject {
  const ago = Math.max(now - lastActiveTs, 0)
  return {
    presence,
    ...(lastActiveTs > 0 && { last_active_ago: ago }),
    ...(presence === 'online' && { currently_active: ago < ACTIVE_MS }),
    ...(statusMsg !== undefined && { status_msg: statusMsg }),
  }
}
