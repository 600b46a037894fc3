import type { JsonObject } from '../../matrix/json.ts'
import { type Edu, eduText } from './edu.ts'

/** A public read receipt of one of our users. */
export interface PassingReceipt {
  readonly roomId: string
  readonly userId: string
  readonly eventId: string
  readonly ts: number
  /** `main` or a thread's root; undefined: for all threads. */
  readonly thread: string | undefined
}

/** What was taken to be sent. */
export interface Passed {
  readonly texts: readonly string[]
  readonly receipts: readonly PassingReceipt[]
}

/** More than these are not kept for a server that does not answer. */
const MAX_KEPT = 1_000

/**
 * What is worth sending only while it is new: typing, presence, read receipts. Kept in memory for one server, the newest
 * of each kind, so that a burst becomes one.
 */
export class PassingEdus {
  readonly #edus = new Map<string, Edu>()
  #receipts = new Map<string, PassingReceipt>()

  get isEmpty(): boolean {
    return this.#edus.size === 0 && this.#receipts.size === 0
  }

  /** `key`: what it replaces: who types where, whose presence it is. */
  put(key: string, edu: Edu): void {
    putNewest(this.#edus, key, edu)
  }

  putReceipt(receipt: PassingReceipt): void {
    putNewest(this.#receipts, keyOf(receipt), receipt)
  }

  /** The server is away. Receipts will still be true when it is back; the rest will not. */
  giveBack({ receipts }: Passed): void {
    this.#edus.clear()
    for (const receipt of receipts)
      if (!this.#receipts.has(keyOf(receipt))) putNewest(this.#receipts, keyOf(receipt), receipt)
  }

  /** Takes as much as fits into `limit` EDUs. */
  take(limit: number): Passed {
    if (this.isEmpty) return NOTHING
    const texts: string[] = []
    for (const [key, edu] of this.#edus) {
      if (texts.length === limit) return { texts, receipts: [] }
      texts.push(eduText(edu))
      this.#edus.delete(key)
    }
    const receipts = [...this.#receipts.values()]
    const [receiptTexts, left] = receiptEdus(receipts, limit - texts.length)
    this.#receipts = new Map(left.map((receipt) => [keyOf(receipt), receipt]))
    return { texts: [...texts, ...receiptTexts], receipts: receipts.filter((receipt) => !left.includes(receipt)) }
  }
}

const NOTHING: Passed = { texts: [], receipts: [] }

const keyOf = ({ roomId, userId, thread }: PassingReceipt): string => `${roomId} ${userId} ${thread ?? ''}`

function putNewest<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_KEPT && oldest !== undefined) map.delete(oldest)
}

/** As few EDUs as hold them all: one holds one receipt of each user in each room. Returns those that found no place. */
function receiptEdus(receipts: readonly PassingReceipt[], limit: number): [texts: string[], left: PassingReceipt[]] {
  const texts: string[] = []
  let left = [...receipts]
  while (left.length > 0 && texts.length < limit) {
    const content: Record<string, { 'm.read': Record<string, JsonObject> }> = {}
    const next: PassingReceipt[] = []
    for (const receipt of left) {
      const { roomId, userId, eventId, ts, thread } = receipt
      content[roomId] ??= { 'm.read': {} }
      const users = content[roomId]['m.read']
      if (Object.hasOwn(users, userId)) next.push(receipt)
      else users[userId] = { event_ids: [eventId], data: thread === undefined ? { ts } : { ts, thread_id: thread } }
    }
    texts.push(eduText({ type: 'm.receipt', content }))
    left = next
  }
  return [texts, left]
}
