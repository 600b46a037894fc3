import { LRUCache } from 'lru-cache'

/** What is kept for all devices together, in characters. */
const MAX_CHARACTERS = 2 * 1024 * 1024
/** Messages that are kept for one device: one that fetches none is given them from the table. */
const MAX_MESSAGES = 50

export interface FreshMessage {
  readonly pos: number
  /** The event as the client gets it. */
  readonly json: string
}

interface Kept {
  /** All that came after this position is here. */
  readonly after: number
  readonly messages: readonly FreshMessage[]
  readonly characters: number
}

/**
 * The newest messages for each device. Most of them go to devices that wait for them: asking the table for each of those
 * would take as long as all the rest of their answers, and the message that follows its key has to wait for them.
 */
export class FreshMessages {
  readonly #byDevice = new LRUCache<number, Kept>({ maxSize: MAX_CHARACTERS })

  /** A message has come for the device, the first after `after`. Call after the commit, in the order of positions. */
  add(deviceNid: number, after: number, message: FreshMessage): void {
    const known = this.#byDevice.get(deviceNid)
    const before = known && known.messages.length < MAX_MESSAGES ? known : { after, messages: [], characters: 0 }
    const characters = before.characters + message.json.length
    const kept = { after: before.after, messages: [...before.messages, message], characters }
    this.#byDevice.set(deviceNid, kept, { size: Math.max(1, characters) })
  }

  /** The messages in (`after`, `upTo`], the oldest `limit` of them; undefined: the table may have more. */
  list(deviceNid: number, after: number, upTo: number, limit: number): readonly FreshMessage[] | undefined {
    const kept = this.#byDevice.get(deviceNid)
    if (!kept || after < kept.after) return undefined
    return kept.messages.filter(({ pos }) => pos > after && pos <= upTo).slice(0, limit)
  }

  /** The device has received them all, or they are not for it. */
  drop(deviceNid: number): void {
    this.#byDevice.delete(deviceNid)
  }
}
