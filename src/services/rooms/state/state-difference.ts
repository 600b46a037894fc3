import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, type EventStub } from '../../../storage/rooms/events.ts'
import { loadState } from '../../../storage/state/state.ts'
import type { StateEdit } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import { loadEvents } from './state-view.ts'

/** What has to change at one place of a state, as numbers of events. */
export interface Change {
  readonly before: number | undefined
  readonly after: number | undefined
}

/** How a state of a room differs from one that consists of these events; of two at one place the later counts. */
export async function changesTo(
  db: Db,
  room: LiveRoom,
  stubs: readonly EventStub[],
  stateNid = room.stateNid,
): Promise<Change[]> {
  const wanted = new Map<string, number>()
  for (const { room_nid: roomNid, kind, type_nid: typeNid, key_nid: keyNid, nid } of stubs) {
    if (roomNid === room.nid && keyNid !== null && kind !== EVENT_KIND.rejected) wanted.set(`${typeNid} ${keyNid}`, nid)
  }
  const changes: Change[] = []
  for (const { typeNid, keyNid, eventNid } of stateNid === undefined ? [] : await loadState(db, stateNid)) {
    const place = `${typeNid} ${keyNid}`
    const after = wanted.get(place)
    wanted.delete(place)
    if (after !== eventNid) changes.push({ before: eventNid, after })
  }
  // In the order in which the events were stored: what others rest on comes first.
  for (const after of [...wanted.values()].sort((a, b) => a - b)) changes.push({ before: undefined, after })
  return changes
}

/** The same with the events. */
export async function editsOf(db: Db, room: LiveRoom, changes: readonly Change[]): Promise<StateEdit[]> {
  const nids = changes.flatMap(({ before, after }) => [before, after].filter((nid) => nid !== undefined))
  const events = await loadEvents(db, nids, room)
  const eventOf = (nid: number | undefined) => (nid === undefined ? undefined : events.get(nid))
  return changes.map(({ before, after }) => ({ replaces: eventOf(before), event: eventOf(after) }))
}
