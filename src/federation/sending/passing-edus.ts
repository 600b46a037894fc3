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
  readonly edus: readonly (readonly [key: string, edu: Edu])[]
  readonly receipts: readonly PassingReceipt[]
}

/** More than these are not kept for a server that does not answer. */
const MAX_KEPT = 1_000

/**
 * What is worth sending only while it is new: typing, presence, read receipts. Kept in memory for one server, the newest
 * of each kind, so that a burst becomes one.
 */
export class PassingEdus {
  readonly #onShed: () => void
  #edus = new Map<string, Edu>()
  #hasShed = false
  #receipts = new Map<string, PassingReceipt>()

  /** `onShed` is told when more comes than is kept, once until all that is kept has arrived. */
  constructor(onShed: () => void) {
    this.#onShed = onShed
  }

  get isEmpty(): boolean {
    return this.#edus.size === 0 && this.#receipts.size === 0
  }

  /** `key`: what it replaces: who types where, whose presence it is. */
  put(key: string, edu: Edu): void {
    this.#put(this.#edus, key, edu)
  }

  putReceipt(receipt: PassingReceipt): void {
    this.#put(this.#receipts, keyOf(receipt), receipt)
  }

  /** What was taken has not arrived: it waits again, before what came meanwhile, unless that replaced it. */
  giveBack({ edus, receipts }: Passed): void {
    this.#edus = new Map([...edus, ...this.#edus])
    this.#receipts = new Map([...byKey(receipts), ...this.#receipts])
  }

  /** The server is away. Receipts will still be true when it is back; the rest will not. */
  onAway(): void {
    this.#edus.clear()
  }

  /** What was taken has arrived. */
  onArrived(): void {
    if (this.isEmpty) this.#hasShed = false
  }

  /** Takes as much as fits into `limit` EDUs. */
  take(limit: number): Passed {
    if (this.isEmpty) return NOTHING
    const edus = [...this.#edus].slice(0, limit)
    for (const [key] of edus) this.#edus.delete(key)
    const receipts = [...this.#receipts.values()]
    const [receiptTexts, left] = receiptEdus(receipts, limit - edus.length)
    this.#receipts = new Map(byKey(left))
    return {
      texts: [...edus.map(([, edu]) => eduText(edu)), ...receiptTexts],
      edus,
      receipts: receipts.filter((receipt) => !this.#receipts.has(keyOf(receipt))),
    }
  }

  #put<T>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key)
    map.set(key, value)
    if (map.size <= MAX_KEPT) return
    for (const oldest of map.keys()) {
      if (map.size <= MAX_KEPT) break
      map.delete(oldest)
    }
    if (!this.#hasShed) this.#onShed()
    this.#hasShed = true
  }
}

const NOTHING: Passed = { texts: [], edus: [], receipts: [] }

const keyOf = ({ roomId, userId, thread }: PassingReceipt): string => `${roomId} ${userId} ${thread ?? ''}`

const byKey = (receipts: readonly PassingReceipt[]) => receipts.map((receipt) => [keyOf(receipt), receipt] as const)

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
