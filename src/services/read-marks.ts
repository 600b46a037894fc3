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

interface MarksOfUser {
  readonly byRoom: Map<number, ReadMarks>
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
    const rows = await listReceiptsOfUser(this.#db, userNid)
    let threaded = 0
    const byRoom = new Map<number, { everywhere: number; threads: Map<string, number> }>()
    for (const row of rows) {
      const marks = byRoom.get(row.room_nid) ?? { everywhere: 0, threads: new Map<string, number>() }
      byRoom.set(row.room_nid, marks)
      // Public and private ones count alike: the one that is further ahead.
      if (row.thread === '') marks.everywhere = Math.max(marks.everywhere, row.event_pos)
      else {
        if (!marks.threads.has(row.thread)) threaded++
        marks.threads.set(row.thread, Math.max(marks.threads.get(row.thread) ?? 0, row.event_pos))
      }
    }
    return { byRoom, threaded }
  }
}

function withMark({ byRoom, threaded }: MarksOfUser, { room_nid, thread, event_pos }: Mark): MarksOfUser {
  const before = byRoom.get(room_nid) ?? UNREAD
  if (thread === '') {
    byRoom.set(room_nid, { ...before, everywhere: Math.max(before.everywhere, event_pos) })
    return { byRoom, threaded }
  }
  const furthest = Math.max(before.threads.get(thread) ?? 0, event_pos)
  byRoom.set(room_nid, { ...before, threads: new Map(before.threads).set(thread, furthest) })
  return { byRoom, threaded: threaded + (before.threads.has(thread) ? 0 : 1) }
}
