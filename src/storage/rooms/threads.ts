import type { Db, Tx } from '../db.ts'
import { places, rawRows, rawRun, rawSend } from '../run.ts'
import { type EventRow, selectEvents } from './events.ts'

/** A thread as a room's list of threads has it. */
export interface ThreadRow {
  root_id: string
  replies: number
  latest_pos: number
  latest_nid: number
}

/** A reply in a thread: a relation of type `m.thread`. */
interface Reply {
  room_nid: number
  parent_id: string
  pos: number
  event_nid: number
  sender_nid: number
}

/** Counts new replies; called with their relations (`relations.ts`). */
export function insertReplies(tx: Tx, replies: readonly Reply[]): void {
  // One at a time: a statement may not touch one row of a conflict twice, and a batch is rarely more than one reply.
  for (const { room_nid, parent_id, pos, event_nid, sender_nid } of replies) {
    const isLater = 'excluded.latest_pos > thread.latest_pos'
    rawSend(
      tx,
      `insert into thread (room_nid, root_id, replies, latest_pos, latest_nid) values (?, ?, 1, ?, ?)
       on conflict (room_nid, root_id) do update set replies = thread.replies + 1,
         latest_pos = case when ${isLater} then excluded.latest_pos else thread.latest_pos end,
         latest_nid = case when ${isLater} then excluded.latest_nid else thread.latest_nid end`,
      [room_nid, parent_id, pos, event_nid],
    )
    rawSend(
      tx,
      `insert into thread_sender (room_nid, root_id, sender_nid, replies) values (?, ?, ?, 1)
       on conflict (room_nid, root_id, sender_nid) do update set replies = thread_sender.replies + 1`,
      [room_nid, parent_id, sender_nid],
    )
  }
}

/** Takes a reply out of its thread, once its relation is gone. */
export async function deleteReply(
  tx: Tx,
  { room_nid, parent_id }: Pick<Reply, 'room_nid' | 'parent_id'>,
  { rel_type_nid, sender_nid }: { rel_type_nid: number; sender_nid: number },
): Promise<void> {
  const bySender = 'where room_nid = ? and root_id = ? and sender_nid = ?'
  await rawRun(tx, `update thread_sender set replies = replies - 1 ${bySender}`, [room_nid, parent_id, sender_nid])
  await rawRun(tx, `delete from thread_sender ${bySender} and replies <= 0`, [room_nid, parent_id, sender_nid])
  const [latest] = await rawRows<{ pos: number; event_nid: number }>(
    tx,
    `select pos, event_nid from relation where room_nid = ? and parent_id = ? and rel_type_nid = ?
     order by pos desc limit 1`,
    [room_nid, parent_id, rel_type_nid],
  )
  if (!latest) {
    await rawRun(tx, 'delete from thread where room_nid = ? and root_id = ?', [room_nid, parent_id])
    return
  }
  await rawRun(
    tx,
    'update thread set replies = replies - 1, latest_pos = ?, latest_nid = ? where room_nid = ? and root_id = ?',
    [latest.pos, latest.event_nid, room_nid, parent_id],
  )
}

/** The threads among these events, by root. */
export async function threadsOf(db: Db, roomNid: number, rootIds: readonly string[]): Promise<Map<string, ThreadRow>> {
  const rows = await rawRows<ThreadRow>(
    db,
    `select root_id, replies, latest_pos, latest_nid from thread
     where room_nid = ? and root_id in (${places(rootIds.length)})`,
    [roomNid, ...rootIds],
  )
  return new Map(rows.map((row) => [row.root_id, row]))
}

/** Threads of a room whose newest reply arrived before a position, latest first. */
export const listThreads = (db: Db, roomNid: number, before: number, limit: number): Promise<ThreadRow[]> =>
  rawRows<ThreadRow>(
    db,
    `select root_id, replies, latest_pos, latest_nid from thread
     where room_nid = ? and latest_pos < ? order by latest_pos desc limit ?`,
    [roomNid, before, limit],
  )

/** The same, only those that the user started or replied in. */
export const listThreadsOf = (
  db: Db,
  roomNid: number,
  userNid: number,
  before: number,
  limit: number,
): Promise<ThreadRow[]> =>
  rawRows<ThreadRow>(
    db,
    `select t.root_id, t.replies, t.latest_pos, t.latest_nid from thread t
     where t.room_nid = ? and t.latest_pos < ? and (
       exists (select 1 from thread_sender s where s.room_nid = t.room_nid and s.root_id = t.root_id and s.sender_nid = ?)
       or exists (select 1 from event e where e.event_id = t.root_id and e.sender_nid = ?))
     order by t.latest_pos desc limit ?`,
    [roomNid, before, userNid, userNid, limit],
  )

/**
 * Both of these as they were at a position of arrival, for who sees nothing that came later. `userNid` undefined: all
 * threads. `latest_nid` is not looked up.
 */
export const listThreadsUpTo = (
  db: Db,
  roomNid: number,
  relTypeNid: number,
  { upTo, before, userNid }: { upTo: number; before: number; userNid: number | undefined },
  limit: number,
): Promise<ThreadRow[]> =>
  rawRows<ThreadRow>(
    db,
    `select r.parent_id as root_id, count(*) as replies, max(r.pos) as latest_pos, 0 as latest_nid from relation r
     where r.room_nid = ? and r.rel_type_nid = ? and r.pos <= ? ${
       userNid === undefined
         ? ''
         : `and (exists (select 1 from relation s where s.room_nid = r.room_nid and s.parent_id = r.parent_id
              and s.rel_type_nid = r.rel_type_nid and s.sender_nid = ?)
            or exists (select 1 from event e where e.event_id = r.parent_id and e.sender_nid = ?))`
     }
     group by r.parent_id having max(r.pos) < ? order by max(r.pos) desc limit ?`,
    [roomNid, relTypeNid, upTo, ...(userNid === undefined ? [] : [userNid, userNid]), before, limit],
  )

/** How many replies these senders have in each of these threads. */
export const listRepliesBy = (
  db: Db,
  roomNid: number,
  rootIds: readonly string[],
  senderNids: readonly number[],
): Promise<{ root_id: string; sender_nid: number; replies: number }[]> =>
  rawRows(
    db,
    `select root_id, sender_nid, replies from thread_sender where room_nid = ?
     and root_id in (${places(rootIds.length)}) and sender_nid in (${places(senderNids.length)})`,
    [roomNid, ...rootIds, ...senderNids],
  )

/** The newest replies of a thread up to a position, latest first. */
export const listReplies = (
  db: Db,
  roomNid: number,
  rootId: string,
  relTypeNid: number,
  upTo: number,
  limit: number,
): Promise<EventRow[]> =>
  selectEvents(
    db,
    `from relation r join event e on e.nid = r.event_nid
     where r.room_nid = ? and r.parent_id = ? and r.rel_type_nid = ? and r.pos <= ? order by r.pos desc limit ?`,
    [roomNid, rootId, relTypeNid, upTo, limit],
  )
