import type { Tx } from '../../../storage/db.ts'
import { updateRoomState } from '../../../storage/rooms/rooms.ts'
import type { StateChange, StateKey } from '../../../storage/state/entry.ts'
import { applyChanges } from '../../../storage/state/state.ts'
import type { Batch, Entry, StateEdit, StateRef } from '../entry.ts'

/**
 * Stores the state after each entry, and the room's state after all of them, which it returns (undefined: as before).
 * An event that is no state event shares the state before it.
 */
export async function persistState(tx: Tx, { room, entries, state }: Batch): Promise<number | undefined> {
  const after = new Map<Entry, number | undefined>()
  const store = async ({ on, edits }: StateRef): Promise<number | undefined> => {
    const base = typeof on === 'object' ? after.get(on) : on
    return edits.length === 0 ? base : applyChanges(tx, base, edits.map(toChange))
  }
  for (const entry of entries) {
    const { event, before } = entry
    if (!before) continue
    const changesState = event.isState && !event.rejected
    const own: StateEdit[] = changesState ? [{ event, replaces: undefined }] : []
    const stateNid = await store({ on: before.on, edits: [...before.edits, ...own] })
    after.set(entry, stateNid)
    event.row.state_nid = stateNid ?? null
  }
  const stateNid = state && (await store(state))
  if (stateNid !== undefined) updateRoomState(tx, room.nid, stateNid)
  return stateNid
}

export const toChange = (edit: StateEdit): StateChange => ({ ...placeOf(edit), eventNid: edit.event?.nid ?? null })

/** The place in a state that is edited; its events are stored, or have got their numbers. */
export function placeOf({ event, replaces }: StateEdit): StateKey {
  const row = (event ?? replaces)?.row
  if (!row || row.key_nid === null) throw new Error('An edit of a state needs a state event')
  return { typeNid: row.type_nid, keyNid: row.key_nid }
}
