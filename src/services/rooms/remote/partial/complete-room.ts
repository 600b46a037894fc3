import type { RoomId } from '../../../../matrix/ids.ts'
import type { Db } from '../../../../storage/db.ts'
import { listPartialEvents } from '../../../../storage/federation/partial-rooms.ts'
import { eventsById } from '../../../../storage/rooms/events.ts'
import type { Append } from '../../append.ts'
import type { Batch } from '../../entry.ts'
import type { LiveRoom } from '../../live-room.ts'
import { editsBetween, resolveViews } from '../../state/resolve-state.ts'
import { storedView } from '../../state/state-view.ts'
import { Unsaved } from '../../state/unsaved.ts'
import { StoredEvent } from '../../stored-event.ts'
import type { JudgedEvents } from './judged-events.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
}

/**
 * Makes a room whole, after everything since our join was judged again: its ends, the state that is resolved over them,
 * and from now on no more than what its members are is said of its servers. False where more has come in meanwhile.
 */
export async function completeRoom(
  { db, append }: Deps,
  roomId: RoomId,
  joinNid: number,
  judged: JudgedEvents,
): Promise<boolean> {
  let isComplete = false
  await append.write(roomId, async (room) => {
    isComplete = room.partialJoinNid !== joinNid
    if (isComplete || (await listPartialEvents(db, joinNid, judged.lastSeq, 1)).length > 0) return undefined
    isComplete = true
    return wholeBatch(db, room, judged)
  })
  return isComplete
}

async function wholeBatch(db: Db, room: LiveRoom, judged: JudgedEvents): Promise<Batch> {
  const { roomId, version, stateNid, extremities } = room
  const known = new Map<string, StoredEvent>(extremities.map((event) => [event.eventId, event]))
  const ids = judged.heads(extremities)
  const rows = await eventsById(
    db,
    ids.filter((id) => !known.has(id)),
  )
  for (const row of rows) known.set(row.event_id, new StoredEvent(row, roomId, version))
  const heads = ids.flatMap((id) => known.get(id) ?? [])
  const deps = { db, room, unsaved: new Unsaved() }
  const views = heads.map(({ row }) => storedView(row.state_nid ?? undefined))
  const resolved = await resolveViews(deps, views)
  const edits = await editsBetween(deps, storedView(stateNid), resolved)
  const removed = extremities.filter((event) => !heads.includes(event))
  const added = heads.filter((event) => !extremities.includes(event))
  return {
    room,
    entries: [],
    state: resolved.identity === stateNid ? undefined : resolved.ref,
    changes: edits.map((edit) => ({ edit, at: undefined })),
    extremities: { removed, added },
    partial: { is: 'whole' },
  }
}
