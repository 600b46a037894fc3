import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn, runIn } from '../many.ts'
import { rawRows } from '../run.ts'
import type { EventKind } from './events.ts'

/** An event that others follow and that is not here: where backfill continues. */
export interface MissingRow {
  room_nid: number
  event_id: string
  /** The event that names it among its prev_events. */
  referrer_nid: number
}

export async function insertMissing(tx: Tx, rows: readonly MissingRow[]): Promise<void> {
  await insertRows(
    tx,
    'missing_event (room_nid, event_id, referrer_nid)',
    rows.map((row) => [row.room_nid, row.event_id, row.referrer_nid]),
    'on conflict (room_nid, event_id, referrer_nid) do nothing',
  )
}

export async function deleteMissing(tx: Tx, roomNid: number, eventIds: readonly string[]): Promise<void> {
  await runIn(tx, 'delete from missing_event where room_nid = ? and event_id in', eventIds, [roomNid])
}

/** Whether any event of the room has predecessors that are not here. */
export async function hasMissing(db: Db, roomNid: number): Promise<boolean> {
  return (await rawRows(db, 'select 1 from missing_event where room_nid = ? limit 1', [roomNid])).length > 0
}

/**
 * What is missing, that whose followers are nearest below a depth (inclusive) first: where a reader who has come down to
 * that depth runs into a gap. `depth` and `pos`: the follower's; 0 for one without a position. `senders`: who sent it,
 * where it is here as an outlier, and who sent the follower.
 */
export async function listGapsBelow(
  db: Db,
  roomNid: number,
  depth: number,
  limit: number,
): Promise<{ event_id: string; depth: number; pos: number; senders: UserId[] }[]> {
  const rows = await rawRows<{
    event_id: string
    depth: number
    pos: number
    own: UserId | null
    follower: UserId
  }>(
    db,
    `select m.event_id, e.depth, coalesce(e.pos, 0) as pos, o.text as own, n.text as follower
     from missing_event m join event e on e.nid = m.referrer_nid join name n on n.nid = e.sender_nid
     left join event x on x.event_id = m.event_id left join name o on o.nid = x.sender_nid
     where m.room_nid = ? and e.depth <= ? order by e.depth desc, coalesce(e.pos, 0) desc limit ?`,
    [roomNid, depth, limit],
  )
  return rows.map(({ event_id, depth, pos, own, follower }) => ({
    event_id,
    depth,
    pos,
    senders: own === null ? [follower] : [own, follower],
  }))
}

/** Those of these events that are missing, once for each kind of event that names them among its prev_events. */
export const listMissingAmong = (
  db: Db,
  roomNid: number,
  eventIds: readonly string[],
): Promise<{ event_id: string; kind: EventKind }[]> =>
  rowsIn(
    db,
    `select distinct m.event_id, e.kind from missing_event m join event e on e.nid = m.referrer_nid
     where m.room_nid = ? and m.event_id in`,
    eventIds,
    [roomNid],
  )
