import type { UserId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { places, rawRows, rawRun } from './run.ts'

/** `thread`: '' unthreaded, 'main', or the thread root's event id. `event_pos`: arrival position of the event. */
export interface ReceiptRow {
  room_nid: number
  user_nid: number
  type: string
  thread: string
  event_id: string
  event_pos: number
  ts: number
  pos: number
}

/** A receipt as others are shown it. */
export interface ShownReceipt {
  user_id: UserId
  type: string
  thread: string
  event_id: string
  ts: number
  pos: number
}

/**
 * Receipts of a room that were set in (`after`, `upTo`], newest first: the public ones, and the private ones of this
 * user alone.
 */
export const listReceipts = (
  db: Db,
  roomNid: number,
  userNid: number,
  after: number,
  upTo: number,
  limit: number,
): Promise<ShownReceipt[]> =>
  rawRows<ShownReceipt>(
    db,
    `select n.text as user_id, r.type, r.thread, r.event_id, r.ts, r.pos from receipt r join name n on n.nid = r.user_nid
     where r.room_nid = ? and r.pos > ? and r.pos <= ? and (r.type = 'm.read' or r.user_nid = ?)
     order by r.pos desc limit ?`,
    [roomNid, after, upTo, userNid, limit],
  )

/**
 * The public receipts at these events among the newest `among` of the room, and all those of this user, wherever they
 * are.
 */
export const listReceiptsAt = (
  db: Db,
  roomNid: number,
  userNid: number,
  eventIds: readonly string[],
  upTo: number,
  among: number,
): Promise<ShownReceipt[]> =>
  rawRows<ShownReceipt>(
    db,
    `select n.text as user_id, r.type, r.thread, r.event_id, r.ts, r.pos from
       (select * from receipt where room_nid = ? and pos <= ? order by pos desc limit ?) r
       join name n on n.nid = r.user_nid
     where r.type = 'm.read' and r.event_id in (${places(Math.max(eventIds.length, 1))})
     union
     select n.text as user_id, r.type, r.thread, r.event_id, r.ts, r.pos from receipt r
       join name n on n.nid = r.user_nid
     where r.room_nid = ? and r.user_nid = ? and r.pos <= ?`,
    [roomNid, upTo, among, ...(eventIds.length > 0 ? eventIds : ['']), roomNid, userNid, upTo],
  )

/** How far a user has read, everywhere. */
export const listReceiptsOfUser = (db: Db, userNid: number): Promise<ReceiptRow[]> =>
  rawRows<ReceiptRow>(
    db,
    'select room_nid, user_nid, type, thread, event_id, event_pos, ts, pos from receipt where user_nid = ?',
    [userNid],
  )

/**
 * Moves a receipt, only forward, since a client that lags must not undo what another one has shown. False: it is there, or
 * further.
 */
export async function upsertReceipt(tx: Tx, row: ReceiptRow): Promise<boolean> {
  const moved = await rawRun(
    tx,
    `insert into receipt (room_nid, user_nid, type, thread, event_id, event_pos, ts, pos) values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (room_nid, user_nid, type, thread) do update set event_id = excluded.event_id,
       event_pos = excluded.event_pos, ts = excluded.ts, pos = excluded.pos
     where excluded.event_pos > receipt.event_pos
       or (excluded.event_pos = receipt.event_pos and excluded.event_id <> receipt.event_id)`,
    [row.room_nid, row.user_nid, row.type, row.thread, row.event_id, row.event_pos, row.ts, row.pos],
  )
  return moved > 0
}

/** Drops the oldest receipts of a user in threads beyond `kept`. */
export async function trimThreadedReceipts(tx: Tx, userNid: number, kept: number): Promise<void> {
  await rawRun(
    tx,
    `delete from receipt where user_nid = ? and thread <> '' and pos <=
       (select pos from receipt where user_nid = ? and thread <> '' order by pos desc limit 1 offset ?)`,
    [userNid, userNid, kept],
  )
}
