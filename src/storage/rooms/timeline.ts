import type { RoomId } from '../../matrix/ids.ts'
import type { Db } from '../db.ts'
import { rawRows } from '../run.ts'
import { type EventRow, selectEvents } from './events.ts'

/** The newest timeline events of a room by arrival, newest first; `before` is exclusive. */
export const listNewest = (db: Db, roomNid: number, before: number, limit: number): Promise<EventRow[]> =>
  selectEvents(db, 'from event e where room_nid = ? and pos < ? and pos > 0 and kind = 0 order by pos desc limit ?', [
    roomNid,
    before,
    limit,
  ])

/** Timeline events that arrived in `(after, upTo]`, oldest first. */
export const listArrived = (db: Db, roomNid: number, after: number, upTo: number, limit: number): Promise<EventRow[]> =>
  selectEvents(db, 'from event e where room_nid = ? and pos > ? and pos <= ? and kind = 0 order by pos limit ?', [
    roomNid,
    after,
    upTo,
    limit,
  ])

/** Timeline events of all rooms that a user is joined to which arrived in `(after, upTo]`, oldest first. */
export const listArrivedOfUser = (
  db: Db,
  userNid: number,
  after: number,
  upTo: number,
  limit: number,
): Promise<(EventRow & { room_id: RoomId })[]> =>
  selectEvents<{ room_id: RoomId }>(
    db,
    `from membership m join room o on o.nid = m.room_nid join event e on e.room_nid = m.room_nid
     where m.user_nid = ? and m.membership = 'join' and e.pos > ? and e.pos <= ? and e.kind = 0 order by e.pos limit ?`,
    [userNid, after, upTo, limit],
    'o.room_id',
  )

/** A place in room order: (depth, pos). */
export interface RoomPlace {
  depth: number
  pos: number
}

/** Timeline events before `from` (exclusive) in room order, latest first. */
export const listBefore = (db: Db, roomNid: number, from: RoomPlace, limit: number): Promise<EventRow[]> =>
  selectEvents(
    db,
    `from event e where room_nid = ? and (depth, pos) < (?, ?) and kind = 0 and pos is not null
     order by depth desc, pos desc limit ?`,
    [roomNid, from.depth, from.pos, limit],
  )

/**
 * The depth of the first event that came into the room here since this server is in it without a break; 0: none has. What was
 * fetched of the past came later.
 */
export async function findFirstDepth(db: Db, roomNid: number, serverName: string): Promise<number> {
  const sql = `select depth from event where room_nid = ? and pos >= coalesce((select s.since_pos from room_server s
    join name n on n.nid = s.server_nid where s.room_nid = ? and n.text = ?), 1) order by pos limit 1`
  return (await rawRows<{ depth: number }>(db, sql, [roomNid, roomNid, serverName]))[0]?.depth ?? 0
}

/**
 * The depth of the deepest event that had arrived by a position, among the room's `limit` deepest; undefined: none of
 * them had. The index alone answers.
 */
export async function findDepthBy(db: Db, roomNid: number, pos: number, limit: number): Promise<number | undefined> {
  const sql = `select max(depth) as depth from
    (select depth, pos from event where room_nid = ? and pos is not null order by depth desc, pos desc limit ?) as deepest
    where pos <= ?`
  return (await rawRows<{ depth: number | null }>(db, sql, [roomNid, limit, pos]))[0]?.depth ?? undefined
}

/** Timeline events after `from` (exclusive) in room order, earliest first. */
export const listAfter = (db: Db, roomNid: number, from: RoomPlace, limit: number): Promise<EventRow[]> =>
  selectEvents(
    db,
    `from event e where room_nid = ? and (depth, pos) > (?, ?) and kind = 0 and pos is not null
     order by depth, pos limit ?`,
    [roomNid, from.depth, from.pos, limit],
  )

/**
 * Timeline events by origin_server_ts: from a time on (inclusive), or backwards; at one time in room order. `upTo`: of those
 * that had arrived at this position.
 */
export const listByTime = (
  db: Db,
  roomNid: number,
  ts: number,
  backward: boolean,
  limit: number,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<EventRow[]> => {
  const [comparison, order] = backward ? ['<=', 'desc'] : ['>=', 'asc']
  return selectEvents(
    db,
    `from event e where room_nid = ? and ts ${comparison} ? and kind = 0 and pos <= ?
     order by ts ${order}, depth ${order}, pos ${order} limit ?`,
    [roomNid, ts, upTo, limit],
  )
}
