import { LRUCache } from 'lru-cache'
import type { StoredEvent } from '../rooms/stored-event.ts'

/** Member events that are remembered over all devices and rooms. */
const MAX_REMEMBERED = 500_000

/** Who is given members: a device by its number, or one of its connections. */
type Owner = number | string

/**
 * Which member events a device has been given, so that lazy loading need not send them again. An event counts as given
 * once the device has come back with the token of that answer: an answer that got lost is repeated whole.
 * Forgetting costs a repetition, nothing else.
 */
export class SentMembers {
  readonly #sent = new LRUCache<string, Map<number, number>>({
    maxSize: MAX_REMEMBERED,
    sizeCalculation: (events) => events.size + 1,
  })

  /** Those of the events that the device does not certainly have. */
  missing(owner: Owner, roomNid: number, events: readonly StoredEvent[], since: number): StoredEvent[] {
    const sent = this.#sent.get(`${owner} ${roomNid}`)
    if (!sent) return [...events]
    return events.filter((event) => (sent.get(event.nid) ?? Number.POSITIVE_INFINITY) > since)
  }

  /** The events are in an answer whose token is this position. */
  note(owner: Owner, roomNid: number, eventNids: readonly number[], pos: number): void {
    if (eventNids.length === 0) return
    const key = `${owner} ${roomNid}`
    const sent = this.#sent.get(key) ?? new Map<number, number>()
    for (const nid of eventNids) if (!sent.has(nid)) sent.set(nid, pos)
    // Stored anew, so that its size is counted anew.
    this.#sent.set(key, sent)
  }

  /** The device begins anew and has nothing. */
  forget(owner: Owner, roomNid: number): void {
    this.#sent.delete(`${owner} ${roomNid}`)
  }
}
