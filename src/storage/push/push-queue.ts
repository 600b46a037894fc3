import type { RoomId, UserId } from '../../matrix/ids.ts'
import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { distinctIn } from '../distinct.ts'
import { type EventRow, selectEvents } from '../rooms/events.ts'
import { places, rawRows, rawRun, valuesOf } from '../run.ts'

/** An event of which a user is to be notified, on all devices that want it. */
export interface NewPush {
  readonly userNid: number
  readonly eventNid: number
  readonly roomNid: number
  /** Where the event stands in the order of arrival; pushers that were set later are not told of it. */
  readonly pos: number
  /** What the user's push rules said, as JSON text. */
  readonly actions: string
}

/** A pusher as far as it is needed to serve it. */
export interface ServedPusher {
  nid: number
  user_nid: number
  user_id: UserId
  app_id: string
  pushkey: string
  pushkey_ts: number
  data: string
  /** Switched on, and its user's account is not locked. */
  enabled: number
  badge: number
  badge_due: number
  failures: number
  retry_at: number
}

export type QueuedPush = EventRow & { actions: string; room_id: RoomId }

const MAX_AT_ONCE = 200

/** The users who have pushers. */
export const listPusherUsers = (db: Db): Promise<{ user_nid: number; user_id: UserId }[]> =>
  rawRows(db, 'select nid as user_nid, text as user_id from name where nid in (select user_nid from pusher)')

/** The rooms of those users where something arrived after this position. */
export const listRoomsWithNews = (db: Db, after: number): Promise<{ room_nid: number; room_id: RoomId }[]> =>
  rawRows(
    db,
    `select r.nid as room_nid, r.room_id from room r where r.nid in
       (select m.room_nid from pusher p cross join membership m where m.user_nid = p.user_nid
        and m.membership in ('join', 'invite'))
     and exists (select 1 from event e where e.room_nid = r.nid and e.pos > ?)`,
    [after],
  )

/** The invites of those users that came after this position and stand outside the timeline of their rooms. */
export const listInvitesSince = (db: Db, after: number, upTo: number): Promise<(EventRow & { room_id: RoomId })[]> =>
  selectEvents<{ room_id: RoomId }>(
    db,
    `from membership m join event e on e.nid = m.event_nid join room r on r.nid = m.room_nid
     where m.user_nid in (select user_nid from pusher) and m.membership = 'invite' and m.pos > ? and m.pos <= ?
     and e.kind <> 0`,
    [after, upTo],
    'r.room_id',
  )

/** Those of them who set a receipt after this position; looked for room by room, because there it is the newest. */
export async function listReadersSince(db: Db, after: number): Promise<number[]> {
  const sql = `select distinct c.user_nid from
      (select distinct m.room_nid from pusher p cross join membership m where m.user_nid = p.user_nid
       and m.membership = 'join') r
    cross join receipt c where c.room_nid = r.room_nid and c.pos > ?
    and +c.user_nid in (select user_nid from pusher)`
  return (await rawRows<{ user_nid: number }>(db, sql, [after])).map(({ user_nid: userNid }) => userNid)
}

/**
 * Queues notifications for the pushers of their users that are switched on; returns those pushers. An account is locked
 * when its phone is lost, for one: nothing is told to it any more.
 */
export async function queuePushes(tx: Tx, pushes: readonly NewPush[]): Promise<Set<number>> {
  const pushers = new Set<number>()
  for (const part of chunks(pushes, MAX_AT_ONCE)) {
    const queued = await rawRows<{ pusher_nid: number }>(
      tx,
      `insert into push_queue (pusher_nid, event_nid, room_nid, actions)
       select p.nid, push.column2, push.column3, push.column5
       from (${valuesOf(part.length, 'bigint', 'bigint', 'bigint', 'bigint', 'text')}) as push join pusher p on p.user_nid = push.column1
       join account a on a.user_nid = p.user_nid and a.locked = 0
       where p.enabled = 1 and p.since_pos < push.column4
       on conflict (pusher_nid, event_nid) do nothing returning pusher_nid`,
      part.flatMap(({ userNid, eventNid, roomNid, pos, actions }) => [userNid, eventNid, roomNid, pos, actions]),
    )
    for (const { pusher_nid: nid } of queued) pushers.add(nid)
  }
  return pushers
}

/** Notes that these users have read something; returns their pushers that show a count, or are about to be told one. */
export async function markBadgesDue(tx: Tx, userNids: readonly number[]): Promise<number[]> {
  const due: number[] = []
  for (const part of chunks(userNids, MAX_AT_ONCE)) {
    const rows = await rawRows<{ nid: number }>(
      tx,
      `update pusher set badge_due = badge_due + 1
       where (badge > 0 or exists (select 1 from push_queue q where q.pusher_nid = pusher.nid))
       and enabled = 1 and user_nid in (${places(part.length)}) returning nid`,
      part,
    )
    due.push(...rows.map(({ nid }) => nid))
  }
  return due
}

/** The pushers for which something waits. */
export async function listWaitingPushers(db: Db): Promise<number[]> {
  const sql = `select nid from (${distinctIn('push_queue', 'pusher_nid')}) q
    union select nid from pusher where badge_due > 0`
  return (await rawRows<{ nid: number }>(db, sql)).map(({ nid }) => nid)
}

export async function findServedPusher(db: Db, nid: number): Promise<ServedPusher | undefined> {
  const [row] = await rawRows<ServedPusher>(
    db,
    `select p.nid, p.user_nid, n.text as user_id, p.app_id, p.pushkey, p.pushkey_ts, p.data,
       case when a.locked = 0 then p.enabled else 0 end as enabled, p.badge, p.badge_due, p.failures, p.retry_at
     from pusher p join name n on n.nid = p.user_nid join account a on a.user_nid = p.user_nid where p.nid = ?`,
    [nid],
  )
  return row
}

/** The oldest event that waits for a pusher. */
export async function findQueuedPush(db: Db, nid: number): Promise<QueuedPush | undefined> {
  const [row] = await selectEvents<{ actions: string; room_id: RoomId }>(
    db,
    `from push_queue q join event e on e.nid = q.event_nid join room r on r.nid = q.room_nid
     where q.pusher_nid = ? order by q.event_nid limit 1`,
    [nid],
    'q.actions, r.room_id',
  )
  return row
}

export async function deleteQueuedPush(tx: Tx, nid: number, eventNid: number): Promise<void> {
  await rawRun(tx, 'delete from push_queue where pusher_nid = ? and event_nid = ?', [nid, eventNid])
}

/** Forgets what waits for a pusher that gets nothing. */
export async function clearQueue(tx: Tx, nid: number): Promise<void> {
  await rawRun(tx, 'delete from push_queue where pusher_nid = ?', [nid])
  await rawRun(tx, 'update pusher set badge_due = 0 where nid = ?', [nid])
}

/** The gateway has accepted a count; `due`: the readings that it takes into account. */
export async function updateAccepted(tx: Tx, nid: number, badge: number, due: number): Promise<void> {
  const sql = 'update pusher set badge = ?, badge_due = badge_due - ?, failures = 0, retry_at = 0 where nid = ?'
  await rawRun(tx, sql, [badge, due, nid])
}

export async function updateFailed(tx: Tx, nid: number, failures: number, retryAt: number): Promise<void> {
  await rawRun(tx, 'update pusher set failures = ?, retry_at = ? where nid = ?', [failures, retryAt, nid])
}

/** Keeps the newest `kept` events of those that wait for a pusher. */
export async function trimQueue(tx: Tx, nid: number, kept: number): Promise<void> {
  await rawRun(
    tx,
    `delete from push_queue where pusher_nid = ? and event_nid not in
       (select event_nid from push_queue where pusher_nid = ? order by event_nid desc limit ?)`,
    [nid, nid, kept],
  )
}
