import { nameNids } from '../../storage/names.ts'
import { eventsByNid } from '../../storage/rooms/events.ts'
import { stateEntries } from '../../storage/state/state.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { sendersInAuth } from '../rooms/state/auth-members.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { Reading } from './reading.ts'

/** The member events of the senders of events, as they stood at one of them (spec: Lazy-loading room members). */
export async function sendersOf(
  { db }: Pick<Reading, 'db'>,
  room: LiveRoom,
  events: readonly StoredEvent[],
  at: StoredEvent | undefined,
): Promise<StoredEvent[]> {
  const stateNid = at?.row.state_nid ?? null
  const typeNid = (await nameNids(db, ['m.room.member'])).get('m.room.member')
  if (stateNid === null || typeNid === undefined) return []
  const senders = new Set(events.map((event) => event.row.sender_nid))
  const entries = await stateEntries(
    db,
    stateNid,
    [...senders].map((keyNid) => ({ typeNid, keyNid })),
  )
  const rows = await eventsByNid(
    db,
    entries.map((entry) => entry.eventNid),
  )
  const found = rows.map((row) => new StoredEvent(row, room.roomId, room.version))
  if (!room.isPartial) return found
  const known = new Set(rows.map((row) => row.key_nid))
  const others = events.filter((event) => !known.has(event.row.sender_nid))
  return [...found, ...(await sendersInAuth(db, room, others))]
}
