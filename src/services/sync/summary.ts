import type { Db } from '../../storage/db.ts'
import { listMembers } from '../../storage/rooms/memberships.ts'
import type { LiveRoom } from '../rooms/live-room.ts'

/** What a client names a room after, and how many are in it (spec: GET /sync, RoomSummary). */
export interface Summary {
  readonly heroes: readonly string[] | undefined
  readonly text: string
}

export const MAX_HEROES = 5

/** State events whose change may change the summary. */
export const SUMMARY_TYPES: ReadonlySet<string> = new Set(['m.room.member', 'm.room.name', 'm.room.canonical_alias'])

/** The room's summary for one of its members (spec: RoomSummary); heroes only where the room has no name of its own. */
export async function summaryOf(db: Db, room: LiveRoom, userId: string): Promise<Summary> {
  const counts = `"m.joined_member_count":${count(room, 'join')},"m.invited_member_count":${count(room, 'invite')}`
  if (await hasName(room)) return { heroes: undefined, text: `{${counts}}` }
  const heroes = await heroesOf(db, room, userId)
  return { heroes, text: `{"m.heroes":${JSON.stringify(heroes)},${counts}}` }
}

const count = (room: LiveRoom, membership: string): number => room.counts.get(membership) ?? 0

async function hasName(room: LiveRoom): Promise<boolean> {
  const { name } = (await room.stateEvent('m.room.name', ''))?.visible.content ?? {}
  if (typeof name === 'string' && name !== '') return true
  const { alias } = (await room.stateEvent('m.room.canonical_alias', ''))?.visible.content ?? {}
  return typeof alias === 'string' && alias !== ''
}

/** Joined and invited members; where there are none, those who were in the room. */
export async function heroesOf(db: Db, room: LiveRoom, userId: string): Promise<string[]> {
  const others = (userIds: readonly string[]) => userIds.filter((id) => id !== userId).slice(0, MAX_HEROES)
  const heroes = others(await room.heroes())
  if (heroes.length > 0) return heroes
  const gone = await Promise.all(['leave', 'ban'].map((left) => listMembers(db, room.nid, left, MAX_HEROES + 1)))
  return others(gone.flat().map((row) => row.user_id))
}
