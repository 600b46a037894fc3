import { lruCache } from '../../util/lru.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { CompiledRules } from '../push-rules/compiled-rules.ts'
import type { Judge } from '../push-rules/judge.ts'
import { MAIN, type Threads } from '../push-rules/threads.ts'
import type { ReadMarks } from '../read-marks.ts'
import type { Receipts } from '../receipts.ts'
import type { Appended } from '../rooms/append.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ThreadFollowing } from '../threads/thread-following.ts'

export interface Count {
  notify: number
  highlight: number
}

/** Unread notifications of a user in a room: by thread, `main` among them; threads without any are left out. */
export type Unread = ReadonlyMap<string, Readonly<Count>>

interface Deps {
  readonly judge: Judge
  readonly threads: Threads
  readonly receipts: Receipts
  readonly following: ThreadFollowing
}

interface Counter {
  upTo: number
  rules: CompiledRules
  ignored: ReadonlySet<string>
  counts: Map<string, Count>
}

const MAX_COUNTERS = 200_000
const REDACTION = 'm.room.redaction'
/** Unread events that are looked at when a room is counted anew. */
const MAX_RECOUNTED = 300
/** Rooms whose older events are kept for those who count them anew, one after the other. */
const MAX_OLDER = 30

/**
 * How many notifications and highlights a user has not read, by room and thread (spec: Receiving notifications).
 *
 * The counts are not stored. They follow from what is: the events after the user's receipts, judged by the user's
 * rules. So a message costs no row for each member of its room, nothing has to be undone when a receipt or a rule
 * changes, and a restart loses nothing. Memory keeps where each count stands; a new message adds to it when its reader
 * asks, and the verdict on the message is shared by all readers with the same rules. Counting anew, after a receipt
 * or a restart, looks at the newest 300 events at most: clients show "99+" long before.
 */
export class UnreadCounts {
  readonly #deps: Deps
  readonly #counters = lruCache<string, Counter>(MAX_COUNTERS)
  readonly #older = lruCache<number, { upTo: number; events: readonly StoredEvent[] }>(MAX_OLDER)

  constructor(deps: Deps) {
    this.#deps = deps
    const forget = (userNid: number, roomNid: number) => this.#counters.delete(`${userNid} ${roomNid}`)
    deps.receipts.onRead(forget)
    deps.following.onChanged(forget)
  }

  /** For `Append`: what was redacted is read again. */
  onAppended({ room, events }: Appended): void {
    if (events.some((event) => event.type === REDACTION)) this.#older.delete(room.nid)
  }

  /** The counts as of `upTo`. `since`: the position at which the user joined; what came before is nobody's news. */
  async of(room: LiveRoom, owner: Owner, since: number, upTo: number): Promise<Unread> {
    const { judge, receipts } = this.#deps
    const key = `${owner.userNid} ${room.nid}`
    const rules = await judge.rulesOf(owner.userNid)
    const ignored = await judge.ignoredBy(owner)
    const marks = await receipts.marksIn(owner.userNid, room.nid)
    const known = this.#counters.get(key)
    const isCurrent = known?.rules === rules && known.ignored === ignored && known.upTo <= upTo
    if (isCurrent && known.upTo >= room.lastPos) return known.counts
    const counts = new Map<string, Count>()
    if (isCurrent) for (const [thread, count] of known.counts) counts.set(thread, { ...count })
    const from = isCurrent ? known.upTo : Math.max(since, marks.everywhere)
    const events = await this.#newest(room, from, upTo)
    // A redaction takes an event back that may have been counted.
    if (isCurrent && events.some((event) => event.type === REDACTION)) {
      this.#counters.delete(key)
      return this.of(room, owner, since, upTo)
    }
    for (const event of events.reverse()) await this.#add(counts, room, event, owner, rules, marks)
    // A receipt that arrived meanwhile has thrown the counter away, or will: this one is then counted from old marks.
    if ((await receipts.marksIn(owner.userNid, room.nid)) === marks) {
      this.#counters.set(key, { upTo, rules, ignored, counts })
    }
    return counts
  }

  /**
   * The events to count, newest first. After a restart the thousand members of a room come one after the other: what
   * lies beyond the room's tail is read and judged once for all of them.
   */
  async #newest(room: LiveRoom, from: number, upTo: number): Promise<StoredEvent[]> {
    const { floor } = room.tail
    if (floor <= from || upTo <= floor) return room.newest(from, upTo, MAX_RECOUNTED)
    const near = room.tail.newest(from, upTo, MAX_RECOUNTED)
    let older = this.#older.get(room.nid)
    if (older?.upTo !== floor) {
      older = { upTo: floor, events: await room.newest(0, floor, MAX_RECOUNTED) }
      this.#older.set(room.nid, older)
    }
    return [...near, ...older.events.filter((event) => event.pos > from)].slice(0, MAX_RECOUNTED)
  }

  async #add(
    counts: Map<string, Count>,
    room: LiveRoom,
    event: StoredEvent,
    owner: Owner,
    rules: CompiledRules,
    marks: ReadMarks,
  ): Promise<void> {
    const { judge, threads } = this.#deps
    if (event.row.sender_nid === owner.userNid) {
      // Who writes in a thread has read it (spec: Marking notifications as read).
      if (!event.isState) counts.delete(await threads.of(room, event))
      return
    }
    const outcome = await judge.judge(room, event, owner, rules)
    if (!outcome) return
    const thread = await threads.of(room, event)
    if (event.pos <= (marks.threads.get(thread) ?? 0)) return
    const count = counts.get(thread) ?? { notify: 0, highlight: 0 }
    count.notify++
    if (outcome.highlight) count.highlight++
    counts.set(thread, count)
  }
}

/** `unread_notifications` and, where asked for, `unread_thread_notifications`, as JSON text without braces. */
export function unreadText(unread: Unread, byThread: boolean): string {
  const text = ({ notify, highlight }: Readonly<Count>) =>
    `{"notification_count":${notify},"highlight_count":${highlight}}`
  if (unread.size === 0) return `"unread_notifications":${text({ notify: 0, highlight: 0 })}`
  if (!byThread) {
    const total = { notify: 0, highlight: 0 }
    for (const { notify, highlight } of unread.values()) {
      total.notify += notify
      total.highlight += highlight
    }
    return `"unread_notifications":${text(total)}`
  }
  const main = `"unread_notifications":${text(unread.get(MAIN) ?? { notify: 0, highlight: 0 })}`
  const threads = [...unread].filter(([thread]) => thread !== MAIN)
  if (threads.length === 0) return main
  const entries = threads.map(([thread, count]) => `${JSON.stringify(thread)}:${text(count)}`)
  return `${main},"unread_thread_notifications":{${entries.join(',')}}`
}
