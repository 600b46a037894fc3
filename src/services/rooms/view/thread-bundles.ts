import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { eventsByNid } from '../../../storage/rooms/events.ts'
import { listReplies, listRepliesBy, type ThreadRow, threadsOf } from '../../../storage/rooms/threads.ts'
import { Turn } from '../../../util/turn.ts'
import type { StoredEvent } from '../stored-event.ts'
import type { ShownChildren, VisibleChildren } from './shown-children.ts'
import type { IgnoredUsers, Visibility } from './visibility.ts'

interface Deps {
  readonly db: Db
  readonly visibility: Visibility
  readonly ignoredUsers: IgnoredUsers
}

/** Replies that are looked through for the newest one that the viewer may see. */
const MAX_REPLIES = 50
/** Up to where the replies of a thread are counted for somebody who may not see all of them. */
const MAX_COUNTED = 1_000

/**
 * `"m.thread":{…}` by the number of the root: the newest reply, how many there are, and whether the viewer took part
 * (spec: Threading, Server-side aggregation). `relTypeNid`: the number of `m.thread`.
 */
export async function threadBundles(
  deps: Deps,
  children: ShownChildren,
  parents: readonly StoredEvent[],
  relTypeNid: number,
): Promise<Map<number, string>> {
  const { db, ignoredUsers } = deps
  const { room, viewer } = children
  const threads = await threadsOf(
    db,
    room.nid,
    parents.map(({ eventId }) => eventId),
  )
  if (threads.size === 0) return new Map()
  const ignored = await nameNids(db, await ignoredUsers(viewer.userId))
  const counts = await listRepliesBy(db, room.nid, [...threads.keys()], [viewer.userNid, ...ignored.values()])
  const latest = await latestReplies(db, children, threads, relTypeNid)
  const texts = await children.render([...latest.values()], 'nested')
  const bundles = new Map<number, string>()
  const turn = new Turn()
  for (const { nid, eventId, row } of parents) {
    const thread = threads.get(eventId)
    const text = texts.get(latest.get(eventId)?.nid ?? 0)
    if (!thread || text === undefined) continue
    const own = counts.filter((count) => count.root_id === eventId)
    const isOwn = row.sender_nid === viewer.userNid
    const participated = isOwn || own.some((count) => count.sender_nid === viewer.userNid)
    if (turn.isOver) await turn.give()
    const count = await countReplies(deps, children, thread, relTypeNid, own)
    bundles.set(nid, `"m.thread":{"latest_event":${text},"count":${count},"current_user_participated":${participated}}`)
  }
  return bundles
}

/** The newest reply of each thread that the viewer may see, by the id of the root. */
export async function latestReplies(
  db: Db,
  children: VisibleChildren,
  threads: ReadonlyMap<string, ThreadRow>,
  relTypeNid: number,
): Promise<Map<string, StoredEvent>> {
  const rows = await eventsByNid(
    db,
    [...threads.values()].map((thread) => thread.latest_nid),
  )
  const shown = new Map((await children.among(rows)).map((event) => [event.nid, event]))
  const horizon = await children.horizon()
  const latest = new Map<string, StoredEvent>()
  for (const [rootId, thread] of threads) {
    const event = shown.get(thread.latest_nid) ?? (await earlierReply(db, children, thread, relTypeNid, horizon))
    if (event) latest.set(rootId, event)
  }
  return latest
}

async function earlierReply(
  db: Db,
  children: VisibleChildren,
  { root_id: rootId, latest_pos: latest }: ThreadRow,
  relTypeNid: number,
  horizon: number,
): Promise<StoredEvent | undefined> {
  const rows = await listReplies(db, children.room.nid, rootId, relTypeNid, Math.min(latest, horizon), MAX_REPLIES)
  return (await children.among(rows))[0]
}

async function countReplies(
  { db, visibility }: Deps,
  children: ShownChildren,
  thread: ThreadRow,
  relTypeNid: number,
  bySender: readonly { sender_nid: number; replies: number }[],
): Promise<number> {
  const { room, viewer } = children
  if (!(await visibility.seesAll(room, viewer))) {
    const upTo = Math.min(thread.latest_pos, await children.horizon())
    const rows = await listReplies(db, room.nid, thread.root_id, relTypeNid, upTo, MAX_COUNTED)
    return (await children.among(rows)).length
  }
  const ofIgnored = bySender.filter((count) => count.sender_nid !== viewer.userNid)
  return thread.replies - ofIgnored.reduce((sum, { replies }) => sum + replies, 0)
}
