import { serverOf } from '../../matrix/ids.ts'
import { changeCurrentState } from '../../storage/current-state.ts'
import type { Tx } from '../../storage/db.ts'
import * as memberships from '../../storage/memberships.ts'
import { changeRoomServers, type RoomServerChange } from '../../storage/room-servers.ts'
import type { Batch } from './entry.ts'
import { placeOf } from './persist-state.ts'
import { persistAccess } from './room-access.ts'
import type { StoredEvent } from './stored-event.ts'

/**
 * Writes the changes of current states, and the memberships, which are a part of them. `lastPositions`: the last one that
 * each batch took.
 */
export async function persistChanges(
  tx: Tx,
  batches: readonly Batch[],
  lastPositions: readonly (number | undefined)[],
  serverName: string,
  nidOf: (text: string) => number,
): Promise<void> {
  const rows: Parameters<typeof changeCurrentState>[1][number][] = []
  const members: Parameters<typeof memberships.upsertMemberships>[1][number][] = []
  for (const [index, { room, changes }] of batches.entries()) {
    for (const { edit, at } of changes) {
      const { event, replaces } = edit
      const { typeNid, keyNid } = placeOf(edit)
      // The position of what no entry brings about is the batch's last.
      const pos = (at?.event.isTimeline ? at.event.pos : lastPositions[index]) ?? 0
      rows.push({
        room_nid: room.nid,
        pos,
        type_nid: typeNid,
        key_nid: keyNid,
        event_nid: event?.nid ?? null,
        prev_event_nid: replaces?.nid ?? null,
      })
      if ((event ?? replaces)?.type !== 'm.room.member') continue
      if (!event) await memberships.deleteMembership(tx, room.nid, keyNid)
      else members.push(memberRow(event, pos, at?.event === event ? at.strippedState : undefined, serverName))
    }
  }
  if (rows.length > 0) await changeCurrentState(tx, rows)
  if (members.length > 0) await memberships.upsertMemberships(tx, members)
  await changeRoomServers(tx, serverChanges(batches, nidOf))
  for (const { room, changes } of batches) {
    const edits = changes.map(({ edit }) => edit)
    if (edits.length > 0) await persistAccess(tx, room.nid, edits)
  }
}

/** Which servers gained or lost members. */
function serverChanges(batches: readonly Batch[], nidOf: (text: string) => number): RoomServerChange[] {
  const found = new Map<string, RoomServerChange>()
  for (const { room, changes } of batches) {
    for (const { edit } of changes) {
      const member = edit.event ?? edit.replaces
      if (member?.type !== 'm.room.member') continue
      const joined = Number(edit.event?.membership === 'join') - Number(edit.replaces?.membership === 'join')
      if (joined === 0) continue
      const serverNid = nidOf(serverOf(member.stateKey ?? ''))
      const key = `${room.nid} ${serverNid}`
      found.set(key, { roomNid: room.nid, serverNid, joined: (found.get(key)?.joined ?? 0) + joined })
    }
  }
  return [...found.values()].filter(({ joined }) => joined !== 0)
}

const memberRow = (event: StoredEvent, pos: number, strippedState: string | undefined, serverName: string) => ({
  room_nid: event.row.room_nid,
  user_nid: event.row.key_nid ?? 0,
  membership: event.membership ?? 'leave',
  event_nid: event.nid,
  sender_nid: event.row.sender_nid,
  pos,
  is_local: serverOf(event.stateKey ?? '') === serverName ? 1 : 0,
  stripped_state: strippedState ?? null,
})
