import { type Txn, txnKey } from './entry.ts'
import { relationOf } from './relation.ts'
import type { StoredEvent } from './stored-event.ts'

/** Timeline events kept in memory for each active room: this many at least, twice as many at most. */
export const TAIL_EVENTS = 30

/** The newest of them stay parsed: those that everybody is being sent. */
const PARSED_EVENTS = 8

/** What was loaded of a timeline's end. */
export interface LoadedTail {
  /** Oldest first. */
  events: StoredEvent[]
  /** All events with a position above it are there. */
  floor: number
  /** Ids of those events that others relate to. */
  related: Iterable<string>
  /** The transactions that produced them, by the events' numbers. */
  txns: Iterable<readonly [eventNid: number, txn: Txn]>
}

/** The newest part of a room's timeline, and what would otherwise need a query for each of its events. */
export class TimelineTail {
  /** By arrival, oldest first: all timeline events with a position above `floor`. */
  readonly events: StoredEvent[]
  readonly #related: Set<string>
  readonly #txns: Map<number, Txn>
  /** The same by `txnKey`: numbers of events. */
  readonly #sent = new Map<string, number>()
  #floor: number
  #bytes = 0

  constructor({ events, floor, related, txns }: LoadedTail) {
    this.events = events
    this.#floor = floor
    this.#related = new Set(related)
    this.#txns = new Map(txns)
    for (const [nid, txn] of this.#txns) this.#sent.set(txnKey(txn), nid)
    for (const event of events) this.#bytes += event.row.json.length
  }

  get floor(): number {
    return this.#floor
  }

  /** Characters of JSON that it holds. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether this event is in it, so that what the methods below say of it is all there is. */
  covers(event: StoredEvent): boolean {
    return event.pos > this.#floor && event.isTimeline
  }

  /** Whether other events relate to this one, if the tail covers it. */
  isRelated(event: StoredEvent): boolean {
    return this.#related.has(event.eventId)
  }

  /** The client's transaction that produced this event, if the tail covers it. */
  txnOf(event: StoredEvent): Txn | undefined {
    return this.#txns.get(event.nid)
  }

  /** The event that this transaction produced, if the tail covers it. */
  sentBy(txn: Txn): StoredEvent | undefined {
    const nid = this.#sent.get(txnKey(txn))
    return nid === undefined ? undefined : this.events.find((event) => event.nid === nid)
  }

  /** Its events that arrived in (`after`, `upTo`], newest first. */
  newest(after: number, upTo: number, limit: number): StoredEvent[] {
    const found: StoredEvent[] = []
    for (let i = this.events.length - 1; i >= 0 && found.length < limit; i--) {
      const event = this.events[i] as StoredEvent
      if (event.pos <= after) break
      if (event.pos <= upTo) found.push(event)
    }
    return found
  }

  /** For the room alone, after the commit. */
  push(event: StoredEvent, txn: Txn | undefined): void {
    this.events.push(event)
    this.events.at(-1 - PARSED_EVENTS)?.release()
    this.#bytes += event.row.json.length
    if (txn) {
      this.#txns.set(event.nid, txn)
      this.#sent.set(txnKey(txn), event.nid)
    }
    const relation = relationOf(event.pdu)
    if (relation && this.#find(relation.parentId) >= 0) this.#related.add(relation.parentId)
    if (this.events.length > TAIL_EVENTS * 2) this.#trim()
  }

  /** Replaces an event that has been redacted. */
  applyRedaction(eventId: string, redactionNid: number): void {
    const index = this.#find(eventId)
    const shown = this.events[index]
    if (shown) this.events[index] = shown.redactedBy(redactionNid)
  }

  #find(eventId: string): number {
    return this.events.findLastIndex((event) => event.eventId === eventId)
  }

  #trim(): void {
    for (const event of this.events.splice(0, this.events.length - TAIL_EVENTS)) {
      this.#floor = event.pos
      this.#bytes -= event.row.json.length
      this.#related.delete(event.eventId)
      const txn = this.#txns.get(event.nid)
      if (!txn) continue
      this.#txns.delete(event.nid)
      this.#sent.delete(txnKey(txn))
    }
  }
}
