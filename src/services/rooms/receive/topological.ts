import type { Pdu, RoomEvent } from '../../../room/event.ts'
import { Turn } from '../../../util/turn.ts'

/**
 * Events in an order in which each comes after those of them that it names (`idsIn`: its prev_events or auth_events);
 * otherwise in their own order. What a sender says of the depth does not matter.
 */
export async function topological<E extends RoomEvent>(
  events: readonly E[],
  idsIn: (pdu: Pdu) => string[],
): Promise<E[]> {
  const turn = new Turn()
  const byId = new Map(events.map((event) => [event.eventId, event]))
  const sorted = new Set<E>()
  const opened = new Set<E>()
  // Not by recursion: a chain may be as long as an answer of another server.
  for (const first of byId.values()) {
    const stack = [first]
    for (let event = stack.at(-1); event; event = stack.at(-1)) {
      const next = opened.has(event)
        ? []
        : idsIn(event.pdu).flatMap((id) => {
            const named = byId.get(id)
            // One that is open already names itself in a circle: possible only where ids are no hashes.
            return named && !opened.has(named) ? named : []
          })
      opened.add(event)
      if (next.length > 0) {
        stack.push(...next)
        continue
      }
      stack.pop()
      sorted.add(event)
      if (turn.isOver) await turn.give()
    }
  }
  return [...sorted]
}
