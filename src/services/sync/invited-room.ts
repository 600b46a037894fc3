import type { Db } from '../../storage/db.ts'
import { findMembership } from '../../storage/rooms/memberships.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { ownMemberEvent } from '../rooms/state/stripped-state.ts'
import type { SyncContext } from './request.ts'

/** What a client is told of a room that its user is invited to or knocks at: stripped state, with the member event. */
export async function composeInvitedRoom(
  db: Db,
  { viewer }: SyncContext,
  room: LiveRoom,
  membership: 'invite' | 'knock',
): Promise<string | undefined> {
  const row = await findMembership(db, room.nid, viewer.userNid)
  // It has changed since: the next sync tells.
  if (!row || row.membership !== membership) return undefined
  const memberEvent = await room.stateEvent('m.room.member', viewer.userId)
  const stripped: unknown = JSON.parse(row.stripped_state ?? '[]')
  const events = Array.isArray(stripped) ? stripped : []
  if (memberEvent) events.push(ownMemberEvent(memberEvent))
  return `{"${membership}_state":{"events":${JSON.stringify(events)}}}`
}
