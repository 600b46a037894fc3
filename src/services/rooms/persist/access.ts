import { isUserId } from '../../../matrix/ids.ts'
import * as userDirectory from '../../../storage/accounts/user-directory.ts'
import type { Tx } from '../../../storage/db.ts'
import { isOpen, updateOpenToJoin, updateOpenToRead } from '../../../storage/rooms/rooms.ts'
import { followRemoteUsers, type MemberChange } from '../../user-directory/remote-users.ts'
import type { StateEdit } from '../entry.ts'

/** Members who follow in the same transaction when a room is opened or closed; of a larger room, in the background. */
const MAX_AT_ONCE = 300

/**
 * Keeps at hand whether the room is open to everybody, and whether its members are in such a room: the user directory
 * and look-ups of profiles ask both often. Members of other servers get into the directory here, or leave it. Called when
 * the memberships are written.
 */
export async function persistAccess(
  tx: Tx,
  roomNid: number,
  edits: readonly StateEdit[],
  serverName: string,
): Promise<void> {
  const areFew = await followRemoteUsers(
    tx,
    edits.map(memberChangeOf).filter((change) => change !== undefined),
    serverName,
  )
  if (!areFew) await userDirectory.queueRefresh(tx, roomNid)
  let isToggled = false
  const moved = new Set<number>()
  for (const { event, replaces } of edits) {
    const { type, stateKey, row } = event ?? replaces ?? {}
    if (type === 'm.room.member' && row?.key_nid && event?.membership !== replaces?.membership) moved.add(row.key_nid)
    if (stateKey !== '') continue
    const { join_rule: joinRule, history_visibility: visibility } = event?.pdu.content ?? {}
    if (type === 'm.room.join_rules' && (await updateOpenToJoin(tx, roomNid, joinRule === 'public'))) isToggled = true
    if (
      type === 'm.room.history_visibility' &&
      (await updateOpenToRead(tx, roomNid, visibility === 'world_readable'))
    ) {
      isToggled = true
    }
  }
  if (isToggled) await refreshMembers(tx, roomNid)
  if (moved.size > 0 && (await isOpen(tx, roomNid))) await userDirectory.refreshOpen(tx, [...moved])
}

async function refreshMembers(tx: Tx, roomNid: number): Promise<void> {
  const members = await userDirectory.listJoinedNids(tx, roomNid, -1, MAX_AT_ONCE + 1)
  if (members.length > MAX_AT_ONCE) await userDirectory.queueRefresh(tx, roomNid)
  else await userDirectory.refreshOpen(tx, members)
}

function memberChangeOf({ event, replaces }: StateEdit): MemberChange | undefined {
  const { type, stateKey, row } = event ?? replaces ?? {}
  if (type !== 'm.room.member' || !row?.key_nid || !stateKey || !isUserId(stateKey)) return undefined
  if (event?.membership === 'join') return { userNid: row.key_nid, userId: stateKey, content: event.visible.content }
  return replaces?.membership === 'join' ? { userNid: row.key_nid, userId: stateKey, content: undefined } : undefined
}
