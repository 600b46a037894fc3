import { skimPdu } from '../../room/event.ts'
import { historyVisibilityOf } from '../../room/visibility.ts'
import type { Db } from '../../storage/db.ts'
import { listSearchedRooms, listVisibilities, type SearchedRoom } from '../../storage/search/rooms.ts'
import { lruCache } from '../../util/lru.ts'

const MAX_REMEMBERED = 50_000

/** In which rooms somebody searches, and which of them never hid anything from their members. */
export class SearchedRooms {
  readonly #db: Db
  readonly #open = lruCache<number, boolean>(MAX_REMEMBERED)
  #changes = 0

  constructor(db: Db) {
    this.#db = db
  }

  /** The rooms that a user is or was in. */
  of(userNid: number): Promise<SearchedRoom[]> {
    return listSearchedRooms(this.#db, userNid)
  }

  /** The history visibility of a room is another one now. */
  forget(roomNid: number): void {
    this.#changes++
    this.#open.delete(roomNid)
  }

  /** Those of a user's rooms in which the user may see everything; elsewhere each event is to be asked about. */
  async openAmong(rooms: readonly SearchedRoom[]): Promise<Set<number>> {
    const joined = rooms.filter(({ membership }) => membership === 'join').map((room) => room.room_nid)
    const open = new Set(joined.filter((nid) => this.#open.get(nid) === true))
    const unknown = joined.filter((nid) => this.#open.get(nid) === undefined)
    if (unknown.length > 0) {
      const changes = this.#changes
      const hiding = new Set<number>()
      for (const { room_nid, json } of await listVisibilities(this.#db, unknown)) {
        const visibility = historyVisibilityOf(skimPdu(json))
        if (visibility === 'joined' || visibility === 'invited') hiding.add(room_nid)
      }
      for (const nid of unknown) {
        if (!hiding.has(nid)) open.add(nid)
        // What was read may have changed while it was read.
        if (changes === this.#changes) this.#open.set(nid, !hiding.has(nid))
      }
    }
    return open
  }
}
