import { authEventIds } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, eventsById } from '../../../storage/rooms/events.ts'
import { chunks } from '../../../util/chunks.ts'
import { Turn } from '../../../util/turn.ts'
import type { Append } from '../append.ts'
import type { Batch, Entry } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'
import { type Incoming, toStored } from './incoming.ts'
import { createEventId, judgeByAuthEvents } from './judge.ts'
import { isOutside } from './known-events.ts'
import { topological } from './topological.ts'

/** Events of one transaction: few enough that nobody waits for it. */
const MAX_AT_ONCE = 200

interface Deps {
  readonly db: Db
  readonly append: Append
}

/**
 * Stores events whose place in the room is not known: auth events and the state at a gap. Each is judged by its auth
 * events, which come before it; one whose auth events are neither stored nor among these is left out, and so is
 * everything that rests on it. They change nothing that anybody sees.
 */
export async function storeOutliers(
  { db, append }: Deps,
  room: Pick<LiveRoom, 'roomId'>,
  events: readonly Incoming[],
): Promise<void> {
  // Since version 12 all events rest on the create event without naming it.
  const sorted = await topological(events, (pdu) => [createEventId(room.roomId), ...authEventIds(pdu)])
  const turn = new Turn()
  for (const part of chunks(sorted, MAX_AT_ONCE)) {
    await append.write(room.roomId, (live) => composeOutliers(db, live, part))
    if (turn.isOver) await turn.give()
  }
}

async function composeOutliers(db: Db, room: LiveRoom, events: readonly Incoming[]): Promise<Batch | undefined> {
  const { entries, superseded } = await outlierEntries(db, room, events)
  if (entries.length === 0) return undefined
  return { room, entries, superseded, state: undefined, changes: [], extremities: { removed: [], added: [] } }
}

/** Entries for those of the events that are not stored yet, as outliers or rejected. */
async function outlierEntries(db: Db, room: LiveRoom, events: readonly Incoming[]) {
  const { version, roomId } = room
  const wanted = new Set(events.flatMap(({ eventId, pdu }) => [eventId, ...authEventIds(pdu)]))
  const createId = version.createHashRoomId ? [createEventId(roomId)] : []
  for (const id of createId) wanted.add(id)
  const found = await eventsById(db, [...wanted])
  const rows = found.filter((row) => row.room_nid === room.nid)
  // Possible only where ids are no hashes.
  const taken = new Set(found.flatMap((row) => (row.room_nid === room.nid ? [] : row.event_id)))
  const known = new Map<string, StoredEvent>(
    rows.flatMap((row) => (isOutside(row) ? [] : [[row.event_id, new StoredEvent(row, roomId, version)]])),
  )
  const outside = new Map(rows.flatMap((row) => (isOutside(row) ? [[row.event_id, row.nid] as const] : [])))
  const superseded: number[] = []
  const entries: Entry[] = []
  for (const incoming of events) {
    if (known.has(incoming.eventId) || taken.has(incoming.eventId)) continue
    const cited = authEventIds(incoming.pdu)
    const isCreate = incoming.pdu.type === 'm.room.create'
    const named = isCreate ? cited : [...createId, ...cited]
    if (named.some((id) => !known.has(id))) continue
    const auth = new Map(named.flatMap((id) => known.get(id) ?? []).map((event) => [event.eventId as string, event]))
    const reason = judgeByAuthEvents(incoming, auth, version)
    const kind = reason === undefined ? EVENT_KIND.outlier : EVENT_KIND.rejected
    const event = toStored(incoming, room, kind, reason)
    const authEvents = [...new Set(cited)].flatMap((id) => known.get(id) ?? [])
    known.set(event.eventId, event)
    const before = outside.get(event.eventId)
    if (before !== undefined) superseded.push(before)
    entries.push({
      event,
      authEvents,
      before: undefined,
      txn: undefined,
      redacts: undefined,
      strippedState: undefined,
    })
  }
  return { entries, superseded }
}
