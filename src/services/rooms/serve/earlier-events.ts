import { prevEventIds } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, eventsById } from '../../../storage/rooms/events.ts'
import { Heap } from '../../../util/heap.ts'
import { Turn } from '../../../util/turn.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'

export interface Walk {
  /** Where to begin. */
  readonly from: readonly string[]
  /** Events that are not walked past. */
  readonly until?: readonly string[]
  readonly minDepth?: number
  readonly limit: number
}

/** Events that one walk looks at, however few of them may be shown. */
const MAX_LOOKS = 1_000

/** The events from which `from` follow, and these, the deepest first: what the room was before them. */
export async function walkBack(
  db: Db,
  room: LiveRoom,
  { from, until = [], minDepth = 0, limit }: Walk,
): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  const seen = new Set([...from, ...until])
  const waiting = new Heap<StoredEvent>((one, other) => other.row.depth - one.row.depth || other.nid - one.nid)
  const add = async (ids: readonly string[]) => {
    const rows = ids.length === 0 ? [] : await eventsById(db, ids)
    for (const row of rows) {
      // An outlier has no place here; what was rejected has one, but is nobody's business.
      if (row.room_nid === room.nid && row.kind !== EVENT_KIND.outlier) {
        waiting.push(new StoredEvent(row, room.roomId, room.version))
      }
    }
  }
  await add(from.filter((id) => !until.includes(id)))
  const turn = new Turn()
  for (let looks = 0; looks < MAX_LOOKS && found.length < limit; looks++) {
    const event = waiting.pop()
    if (!event) break
    if (event.row.depth < minDepth) continue
    if (!event.rejected) found.push(event)
    const previous = prevEventIds(event.pdu).filter((id) => !seen.has(id))
    for (const id of previous) seen.add(id)
    await add(previous)
    if (turn.isOver) await turn.give()
  }
  return found
}
