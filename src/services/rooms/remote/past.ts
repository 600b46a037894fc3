import { findEvent } from '../../../storage/rooms/events.ts'
import { hasMissing } from '../../../storage/rooms/missing-events.ts'
import type { LiveRoom } from '../live-room.ts'
import { nothingOf } from '../receive/fetched.ts'
import type { FetchDeps } from '../receive/missing-auth.ts'
import { StoredEvent } from '../stored-event.ts'
import type { History } from './history.ts'

/** Servers that are asked, one after the other, while a user waits. */
const MAX_SERVERS = 3

/**
 * The event that other servers in a room have nearest to a time (spec: server-server API, timestamp_to_event), fetched,
 * so that it can be read here. Undefined where nothing of the room's past is missing here.
 */
export async function nearestElsewhere(
  { db, client }: Pick<FetchDeps, 'db' | 'client'>,
  history: History,
  room: LiveRoom,
  ts: number,
  dir: 'f' | 'b',
): Promise<StoredEvent | undefined> {
  if (!(await hasMissing(db, room.nid))) return undefined
  const servers = (await history.serversOf(room)).slice(0, MAX_SERVERS)
  for (const server of servers) {
    const named = await client.events.getEventByTimestamp(server, room.roomId, ts, dir).catch(nothingOf)
    if (!named) continue
    const found = await timelineEvent(named.eventId)
    if (found) return found
    await history.fetch(room, [server], named.eventId)
    const fetched = await timelineEvent(named.eventId)
    if (fetched) return fetched
  }
  return undefined

  async function timelineEvent(eventId: string): Promise<StoredEvent | undefined> {
    const row = await findEvent(db, eventId)
    const event = row?.room_nid === room.nid ? new StoredEvent(row, room.roomId, room.version) : undefined
    return event?.isTimeline ? event : undefined
  }
}
