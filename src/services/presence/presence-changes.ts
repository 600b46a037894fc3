import type { UserId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import { listNeighbours } from '../../storage/keys/device-lists.ts'
import { listPresenceChanged } from '../../storage/presence.ts'
import { listJoinedRooms } from '../../storage/rooms/shared-rooms.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { UserPresence } from './user-presence.ts'

interface Change {
  readonly pos: number
  readonly known: UserPresence
}

/** Below this many entries, old ones are not worth looking for. */
const MIN_LENGTH = 1_000

/**
 * Whose presence changed, in the order of positions. Looking costs as much as there is new: when a thousand people come back
 * after an outage, a thousand look.
 */
export class PresenceChanges {
  readonly #db: Db
  /** A user's older entries count no more, and go when the list has become twice as long as it was without them. */
  #all: Change[] = []
  #maxLength = MIN_LENGTH
  readonly #floor: number

  /** `floor`: what changed up to here, the table knows. */
  constructor(db: Db, floor: number) {
    this.#db = db
    this.#floor = floor
  }

  /** False only when nobody's presence has changed after this position. */
  mayHaveChanged(after: number): boolean {
    return after < this.#floor || (this.#all.at(-1)?.pos ?? 0) > after
  }

  /** A user's presence changed at the user's `pos`. */
  note(known: UserPresence): void {
    known.rooms = undefined
    this.#all.push({ pos: known.pos, known })
    if (this.#all.length <= this.#maxLength) return
    this.#all = this.#all.filter(isNewest)
    this.#maxLength = Math.max(2 * this.#all.length, MIN_LENGTH)
  }

  /**
   * The viewer, and users in any of these rooms (by number), whose presence changed in (`after`, `upTo`]. What rooms a user
   * is in is asked once for each change, not once for each viewer.
   */
  async seenBy(viewer: Owner, rooms: ReadonlySet<number>, after: number, upTo: number): Promise<UserId[]> {
    const changed = this.#between(after, upTo)
    await this.#findRooms(changed.filter((known) => known.rooms === undefined))
    const seen = changed
      .filter((known) => known.userId === viewer.userId || known.rooms?.some((nid) => rooms.has(nid)))
      .map(({ userId }) => userId)
    return after < this.#floor ? [...seen, ...(await this.#seenBefore(viewer, after, upTo))] : seen
  }

  /** Those whose presence has not changed since the start. */
  async #seenBefore(viewer: Owner, after: number, upTo: number): Promise<UserId[]> {
    const changed = await listPresenceChanged(this.#db, after, Math.min(upTo, this.#floor))
    if (changed.length === 0) return []
    const neighbours = new Set(await listNeighbours(this.#db, [viewer.userNid]))
    return changed.filter((userId) => userId === viewer.userId || neighbours.has(userId))
  }

  #between(after: number, upTo: number): UserPresence[] {
    const changed: UserPresence[] = []
    for (let i = this.#all.length - 1; i >= 0; i--) {
      const change = this.#all[i]
      if (!change || change.pos <= after) break
      if (change.pos <= upTo && isNewest(change)) changed.push(change.known)
    }
    return changed
  }

  async #findRooms(users: readonly UserPresence[]): Promise<void> {
    if (users.length === 0) return
    const userNids = users.map(({ userNid }) => userNid)
    const rooms = Map.groupBy(await listJoinedRooms(this.#db, userNids), (row) => row.user_nid)
    for (const known of users) known.rooms = (rooms.get(known.userNid) ?? []).map((row) => row.room_nid)
  }
}

const isNewest = ({ pos, known }: Change): boolean => pos === known.pos
