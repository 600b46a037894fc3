import type { Db } from '../../storage/db.ts'
import { findEvent } from '../../storage/rooms/events.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { lruCache } from '../../util/lru.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { relationOf } from '../rooms/relation.ts'
import { StoredEvent } from '../rooms/stored-event.ts'

/** The thread of what is in none (spec: Threaded read receipts). */
export const MAIN = 'main'

/** Relations that are followed to find the thread of an event (spec: Threaded read receipts). */
const MAX_HOPS = 3
const MAX_CACHED = 20_000

/** Which thread an event is in: the event id of the thread's root, or `main`. */
export class Threads {
  readonly #db: Db
  readonly #known = lruCache<string, string>(MAX_CACHED)

  constructor(db: Db) {
    this.#db = db
  }

  of(room: LiveRoom, event: StoredEvent): Awaitable<string> {
    const relation = relationOf(event.pdu)
    if (!relation) return MAIN
    if (relation.relType === 'm.thread') return relation.parentId
    const known = this.#known.get(event.eventId)
    if (known !== undefined) return known
    return this.#follow(room, relation.parentId).then((thread) => {
      this.#known.set(event.eventId, thread)
      return thread
    })
  }

  async #follow(room: LiveRoom, parentId: string): Promise<string> {
    let id = parentId
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const parent = await this.#find(room, id)
      const relation = parent && relationOf(parent.pdu)
      if (!relation) return MAIN
      if (relation.relType === 'm.thread') return relation.parentId
      id = relation.parentId
    }
    return MAIN
  }

  async #find(room: LiveRoom, eventId: string): Promise<StoredEvent | undefined> {
    const near = room.tail.events.findLast((event) => event.eventId === eventId)
    if (near) return near
    const row = await findEvent(this.#db, eventId)
    return row && row.room_nid === room.nid ? new StoredEvent(row, room.roomId, room.version) : undefined
  }
}
