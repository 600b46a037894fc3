import { authEventIds, prevEventIds } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, type EventRow, eventsById } from '../../../storage/rooms/events.ts'
import { listMissingAmong } from '../../../storage/rooms/missing-events.ts'
import { listPendingRedactions } from '../../../storage/rooms/redactions.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'
import type { Incoming } from './incoming.ts'
import { createEventId } from './judge.ts'
import { redactedId } from './redactions.ts'

/** What the tables know of some events that came in and of those that they name. */
export interface KnownEvents {
  /** Stored events of this room, by id: predecessors, auth events, redacted ones, and the events themselves. */
  readonly stored: Map<string, StoredEvent>
  /** Redactions that wait for one of the events, by the event's id. */
  readonly redactions: ReadonlyMap<string, readonly StoredEvent[]>
  /** Those of the events that stored ones were missing. */
  readonly missed: ReadonlySet<string>
  /** Those of them that the timeline has gone on from. */
  readonly followed: ReadonlySet<string>
  /** Ids that events of other rooms have: possible only where ids are no hashes. */
  readonly taken: ReadonlySet<string>
  /** Numbers of those that are stored from the time before we were in the room, which count as unknown. */
  readonly outside: ReadonlyMap<string, number>
}

/** Loads it with one query for each kind of thing, less what memory has. */
export async function loadKnownEvents(db: Db, room: LiveRoom, events: readonly Incoming[]): Promise<KnownEvents> {
  const { version } = room
  const wrap = (row: EventRow) => new StoredEvent(row, room.roomId, version)
  const stored = new Map<string, StoredEvent>()
  const wanted = new Set<string>(version.createHashRoomId ? [createEventId(room.roomId)] : [])
  for (const { eventId, pdu } of events) {
    wanted.add(eventId)
    for (const id of [...prevEventIds(pdu), ...authEventIds(pdu)]) wanted.add(id)
    const redacts = redactedId(pdu, version)
    if (redacts !== undefined) wanted.add(redacts)
  }
  for (const event of [...room.tail.events, ...room.extremities]) {
    if (wanted.delete(event.eventId)) stored.set(event.eventId, event)
  }
  const outside = new Map<string, number>()
  const taken = new Set<string>()
  for (const row of await eventsById(db, [...wanted])) {
    // An event of another room does not exist here.
    if (row.room_nid !== room.nid) taken.add(row.event_id)
    else if (isOutside(row)) outside.set(row.event_id, row.nid)
    else stored.set(row.event_id, wrap(row))
  }
  const ids = events.map(({ eventId }) => eventId)
  const pending = await listPendingRedactions(db, ids)
  const byTarget = Map.groupBy(
    pending.filter((row) => row.room_nid === room.nid),
    (row) => row.redacts_id,
  )
  const missing = await listMissingAmong(db, room.nid, ids)
  const inTimeline = missing.filter(({ kind }) => kind === EVENT_KIND.timeline)
  return {
    stored,
    redactions: new Map([...byTarget].map(([id, rows]) => [id, rows.map(wrap)])),
    missed: new Set(missing.map((row) => row.event_id)),
    followed: new Set(inTimeline.map((row) => row.event_id)),
    taken,
    outside,
  }
}

/** Whether an event is known only as the membership of one of ours in a room that we were not in. */
export const isOutside = (row: Pick<EventRow, 'auth_rank'>): boolean => row.auth_rank === 0
