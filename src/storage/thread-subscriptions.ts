import type { RoomId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

export interface ThreadSubscriptionRow {
  user_nid: number
  room_nid: number
  root_id: string
  subscribed: number
  automatic: number
  /** What arrived up to this position is no reason to subscribe again by itself. */
  unsubscribed_pos: number | null
  pos: number
}

export async function findThreadSubscription(
  db: Db,
  userNid: number,
  roomNid: number,
  rootId: string,
): Promise<ThreadSubscriptionRow | undefined> {
  const rows = await rawRows<ThreadSubscriptionRow>(
    db,
    'select * from thread_subscription where user_nid = ? and room_nid = ? and root_id = ?',
    [userNid, roomNid, rootId],
  )
  return rows[0]
}

export async function upsertThreadSubscription(tx: Tx, row: ThreadSubscriptionRow): Promise<void> {
  await rawRun(
    tx,
    `insert into thread_subscription (user_nid, room_nid, root_id, subscribed, automatic, unsubscribed_pos, pos)
     values (?, ?, ?, ?, ?, ?, ?)
     on conflict (user_nid, room_nid, root_id) do update set subscribed = excluded.subscribed,
       automatic = excluded.automatic, unsubscribed_pos = excluded.unsubscribed_pos, pos = excluded.pos`,
    [row.user_nid, row.room_nid, row.root_id, row.subscribed, row.automatic, row.unsubscribed_pos, row.pos],
  )
}

/** What became of a user's subscriptions in (`after`, `upTo`]: the newest `limit` changes, latest first. */
export const listThreadSubscriptions = (
  db: Db,
  userNid: number,
  after: number,
  upTo: number,
  limit: number,
): Promise<(ThreadSubscriptionRow & { room_id: RoomId })[]> =>
  rawRows(
    db,
    `select t.*, r.room_id from thread_subscription t join room r on r.nid = t.room_nid
     where t.user_nid = ? and t.pos > ? and t.pos <= ? order by t.pos desc limit ?`,
    [userNid, after, upTo, limit],
  )

/** All threads that a user follows or has followed, the newest `limit`. */
export const listFollowed = (
  db: Db,
  userNid: number,
  limit: number,
): Promise<Pick<ThreadSubscriptionRow, 'room_nid' | 'root_id' | 'subscribed'>[]> =>
  rawRows(
    db,
    'select room_nid, root_id, subscribed from thread_subscription where user_nid = ? order by pos desc limit ?',
    [userNid, limit],
  )
