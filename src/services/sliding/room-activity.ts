import type { Db } from '../../storage/db.ts'
import { listLastPositions } from '../../storage/rooms/room-activity.ts'
import type { Appended } from '../rooms/append.ts'
import type { Stream } from '../stream.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
}

/** Two numbers each; an LRU cache would take the memory for all of them at the start. */
const MAX_ROOMS = 300_000

/** When something last happened in each room, as positions of the stream: what users' rooms are ordered by. */
export class RoomActivity {
  readonly #deps: Deps
  readonly #last = new Map<number, number>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** For `Append`: what changed in a room. */
  onAppended({ room }: Appended): void {
    this.#note(room.nid, this.#deps.stream.current)
  }

  /** The positions of these rooms: from memory, and from the tables for rooms that nobody has asked about yet. */
  async of(roomNids: Iterable<number>): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>()
    const missing: number[] = []
    for (const nid of roomNids) {
      const pos = this.#last.get(nid)
      if (pos === undefined) missing.push(nid)
      else found.set(nid, pos)
    }
    if (missing.length > 0) {
      for (const [nid, pos] of await listLastPositions(this.#deps.db, missing)) {
        // What was announced meanwhile is newer.
        const newest = Math.max(this.#last.get(nid) ?? 0, pos)
        this.#note(nid, newest)
        found.set(nid, newest)
      }
    }
    return found
  }

  #note(roomNid: number, pos: number): void {
    if (this.#last.size >= MAX_ROOMS) this.#last.clear()
    this.#last.set(roomNid, pos)
  }
}
