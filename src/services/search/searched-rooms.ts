import { skimPdu } from '../../room/event.ts'
import { historyVisibilityOf } from '../../room/visibility.ts'
import type { Db } from '../../storage/db.ts'
import {
  listRoomsOfErased,
  listSearchedRooms,
  listVisibilities,
  type SearchedRoom,
} from '../../storage/search/rooms.ts'
import { lruCache } from '../../util/lru.ts'
import type { ErasedUsers } from '../rooms/view/erased-users.ts'

const MAX_REMEMBERED = 50_000

/** In which rooms somebody searches, and which of them never hid anything from any of their members. */
export class SearchedRooms {
  readonly #db: Db
  readonly #open = lruCache<number, boolean>(MAX_REMEMBERED)
  readonly #erased: Pick<ErasedUsers, 'count'>
  #changes = 0
  /** Rooms in which somebody was who asked to be erased: what such users wrote is hidden from who came later. */
  #ofErased: { readonly count: number; readonly rooms: Promise<ReadonlySet<number>> } | undefined

  constructor(db: Db, erased: Pick<ErasedUsers, 'count'>) {
    this.#db = db
    this.#erased = erased
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
    const ofErased = await this.#roomsOfErased()
    const open = await this.#alwaysOpen(joined)
    for (const nid of ofErased) open.delete(nid)
    return open
  }

  /** They come into no more rooms once they are erased, so it is asked anew only when there is another one. */
  #roomsOfErased(): Promise<ReadonlySet<number>> {
    const { count } = this.#erased
    if (this.#ofErased?.count !== count) {
      const rooms = listRoomsOfErased(this.#db).then((nids) => new Set(nids))
      this.#ofErased = { count, rooms }
      rooms.catch(() => {
        this.#ofErased = undefined
      })
    }
    return this.#ofErased.rooms
  }

  /** Those of the rooms whose history visibility never hid anything from a member. */
  async #alwaysOpen(joined: readonly number[]): Promise<Set<number>> {
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
