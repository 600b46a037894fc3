import type { Db } from '../../../storage/db.ts'
import { listEventNodes } from '../../../storage/rooms/events.ts'
import { chunks } from '../../../util/chunks.ts'
import { Turn } from '../../../util/turn.ts'

const EVENTS_AT_ONCE = 500

/** The numbers of all events that these rest on, in rising order; not of these themselves, unless others rest on them. */
export async function authChainOf(db: Db, nids: Iterable<number>): Promise<number[]> {
  const chain = new Set<number>()
  const turn = new Turn()
  let next = [...new Set(nids)]
  while (next.length > 0) {
    const found = new Set<number>()
    for (const part of chunks(next, EVENTS_AT_ONCE)) {
      for (const { auth } of await listEventNodes(db, part)) {
        for (const nid of JSON.parse(auth) as number[]) if (!chain.has(nid)) found.add(nid)
      }
      if (turn.isOver) await turn.give()
    }
    for (const nid of found) chain.add(nid)
    next = [...found]
  }
  return [...chain].sort((a, b) => a - b)
}
