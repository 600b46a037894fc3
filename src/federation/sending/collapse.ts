import { type Db, transact } from '../../storage/db.ts'
import { deleteFromQueue, listQueuedBefore, type QueuedEvent } from '../../storage/federation/outbox.ts'
import { pages } from '../../util/pages.ts'

/** Events that are looked at together: after an hour hundreds of thousands may wait. */
const PAGE = 500

/**
 * Keeps of what waits for a server the newest event of each room only: what went before, the server will ask for when it is
 * back. From the newest to the oldest; what comes meanwhile is the next time's.
 */
export async function collapseQueue(db: Db, serverNid: number): Promise<void> {
  const rooms = new Set<number>()
  const read = (last?: QueuedEvent) => listQueuedBefore(db, serverNid, last?.event_nid ?? Number.MAX_SAFE_INTEGER, PAGE)
  for await (const page of pages(PAGE, read)) {
    const older = page.flatMap(({ event_nid, room_nid }) => {
      if (rooms.has(room_nid)) return event_nid
      rooms.add(room_nid)
      return []
    })
    if (older.length > 0) await transact(db, (tx) => deleteFromQueue(tx, serverNid, older))
  }
}
