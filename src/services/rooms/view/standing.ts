import { skimPdu } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { listReplacedAt } from '../../../storage/rooms/state-history.ts'
import type { LiveRoom } from '../live-room.ts'
import type { StoredEvent } from '../stored-event.ts'
import type { Viewer } from './viewer.ts'

/** How a user stands to a room now, as far as reading it goes. */
export interface Standing {
  /** 'join', 'invite', 'knock', 'ban', 'leave', or undefined: never heard of. */
  readonly membership: string | undefined
  /** Up to which position of arrival the user was a member at some time: without end while joined, -Infinity: never. */
  readonly joinedUntil: number
  /** The user's member event, unless the user is joined. */
  readonly memberEvent: StoredEvent | undefined
}

const JOINED: Standing = { membership: 'join', joinedUntil: Number.POSITIVE_INFINITY, memberEvent: undefined }
/** Changes of a membership that are looked through for the last time it was 'join'. */
const MAX_CHANGES = 50

/**
 * The state that who is out of a room is shown: of when they left, but for how they stand to it since, which nobody else
 * would tell them.
 */
export function withOwnMembership(state: readonly StoredEvent[], memberEvent: StoredEvent): StoredEvent[] {
  const isOwn = ({ type, stateKey }: StoredEvent) => type === 'm.room.member' && stateKey === memberEvent.stateKey
  return [...state.filter((event) => !isOwn(event)), memberEvent]
}

export const isJoined = (room: LiveRoom, viewer: Viewer): boolean => room.localJoined.has(viewer.userId)

/** Needs a table only for users who are not joined. */
export async function standingOf(db: Db, room: LiveRoom, viewer: Viewer): Promise<Standing> {
  if (isJoined(room, viewer)) return JOINED
  const memberEvent = await room.stateEvent('m.room.member', viewer.userId)
  return {
    membership: memberEvent?.membership,
    joinedUntil: memberEvent ? await lastJoined(db, room, viewer) : Number.NEGATIVE_INFINITY,
    memberEvent,
  }
}

async function lastJoined(db: Db, room: LiveRoom, viewer: Viewer): Promise<number> {
  const memberNid = (await nameNids(db, ['m.room.member'])).get('m.room.member')
  if (memberNid === undefined) return Number.NEGATIVE_INFINITY
  const replaced = await listReplacedAt(db, room.nid, memberNid, viewer.userNid, MAX_CHANGES)
  const lastJoin = replaced.find((row) => skimPdu(row.json).content.membership === 'join')
  return lastJoin?.until_pos ?? Number.NEGATIVE_INFINITY
}
