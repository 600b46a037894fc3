import type { Tx } from '../../storage/db.ts'
import { updateOpenToJoin, updateOpenToRead } from '../../storage/rooms.ts'
import type { StateEdit } from './entry.ts'

/** Keeps at hand whether the room is open to everybody, which the user directory and look-ups of profiles ask often. */
export async function persistAccess(tx: Tx, roomNid: number, edits: readonly StateEdit[]): Promise<void> {
  for (const { event, replaces } of edits) {
    const { type, stateKey } = event ?? replaces ?? {}
    if (stateKey !== '') continue
    if (type === 'm.room.join_rules') await updateOpenToJoin(tx, roomNid, event?.pdu.content.join_rule === 'public')
    if (type === 'm.room.history_visibility') {
      await updateOpenToRead(tx, roomNid, event?.pdu.content.history_visibility === 'world_readable')
    }
  }
}
