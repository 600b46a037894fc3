import type { Db } from '../storage/db.ts'
import { listReceiptsOfUser, type ReceiptRow } from '../storage/receipts.ts'
import { type Awaitable, andThen } from '../util/awaitable.ts'
import { LoadCache } from '../util/load-cache.ts'

/** How far a user has read in one room, as positions of arrival. */
export interface ReadMarks {
  /** The receipts without a thread. */
  readonly everywhere: number
  /** By thread: its root's event id, or `main`. */
  readonly threads: ReadonlyMap<string, number>
}

interface Marks extends ReadMarks {
  everywhere: number
  readonly threads: Map<string, number>
}

interface MarksOfUser {
  readonly byRoom: Map<number, Marks>
  /** How many threads there are receipts in. */
  readonly threaded: number
}

/** Where a receipt is. */
export type Mark = Pick<ReceiptRow, 'room_nid' | 'thread' | 'event_pos'>

const UNREAD: ReadMarks = { everywhere: 0, threads: new Map() }
/** Rooms and threads in which somebody has read, of all users in memory: some 60 MB. A user alone counts as ten. */
const MAX_CACHED = 250_000
const USER_WEIGHT = 10

/**
 * How far users have read. All of a user's receipts are read when somebody first asks; from then on each that moves is
 * noted: a client sends one for almost every message that it shows, and its user may be in thousands of rooms.
 */
export class ReadMarksOfUsers {
  readonly #db: Db
  readonly #marks = new LoadCache<number, MarksOfUser>(
    MAX_CACHED,
    (userNid) => this.#load(userNid),
    ({ byRoom, threaded }) => USER_WEIGHT + byRoom.size + threaded,
  )

  constructor(db: Db) {
    this.#db = db
  }

  /** The same object as long as nothing in the room has moved. */
  in(userNid: number, roomNid: number): Awaitable<ReadMarks> {
    return andThen(this.#marks.get(userNid), ({ byRoom }) => byRoom.get(roomNid) ?? UNREAD)
  }

  /** In how many threads, of all rooms, the user has receipts. */
  threaded(userNid: number): Awaitable<number> {
    return andThen(this.#marks.get(userNid), ({ threaded }) => threaded)
  }

  /** A receipt has moved there. Call after the commit. */
  note(userNid: number, mark: Mark): void {
    this.#marks.update(userNid, (marks) => withMark(marks, mark))
  }

  /** Receipts of the user have been deleted. Call after the commit. */
  forget(userNid: number): void {
    this.#marks.forget(userNid)
  }

  async #load(userNid: number): Promise<MarksOfUser> {
    const byRoom = new Map<number, Marks>()
    let threaded = 0
    for (const row of await listReceiptsOfUser(this.#db, userNid)) if (put(byRoom, row)) threaded++
    return { byRoom, threaded }
  }
}

/** The room's marks are other ones then: whoever has the ones before sees by that that they have moved. */
function withMark({ byRoom, threaded }: MarksOfUser, mark: Mark): MarksOfUser {
  const before = byRoom.get(mark.room_nid)
  if (before) byRoom.set(mark.room_nid, { ...before, threads: new Map(before.threads) })
  return { byRoom, threaded: threaded + (put(byRoom, mark) ? 1 : 0) }
}

/** Public and private receipts count alike: the one that is further ahead. True: it is the first in its thread. */
function put(byRoom: Map<number, Marks>, { room_nid, thread, event_pos }: Mark): boolean {
  const marks = byRoom.get(room_nid) ?? { everywhere: 0, threads: new Map<string, number>() }
  byRoom.set(room_nid, marks)
  if (thread === '') {
    marks.everywhere = Math.max(marks.everywhere, event_pos)
    return false
  }
  const furthest = marks.threads.get(thread)
  marks.threads.set(thread, Math.max(furthest ?? 0, event_pos))
  return furthest === undefined
}
