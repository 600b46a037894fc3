import type { Db } from '../../../storage/db.ts'
import type { LiveRoom } from '../live-room.ts'
import type { StoredEvent } from '../stored-event.ts'
import { loadEvents } from './state-view.ts'

/**
 * The member events of the senders of events as those name them among their auth events: for senders whom the state of a
 * room does not have yet, because it was joined without most of its members.
 */
export async function sendersInAuth(db: Db, room: LiveRoom, events: readonly StoredEvent[]): Promise<StoredEvent[]> {
  const named = await loadEvents(db, [...new Set(events.flatMap(({ authNids }) => authNids))], room)
  const found = new Map<string, StoredEvent>()
  for (const { authNids, pdu } of events) {
    for (const nid of authNids) {
      const event = named.get(nid)
      if (event?.type === 'm.room.member' && event.stateKey === pdu.sender) found.set(pdu.sender, event)
    }
  }
  return [...found.values()]
}
