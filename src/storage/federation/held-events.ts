import type { RoomId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { deletionBefore } from '../expire.ts'
import { insertRows, runIn } from '../many.ts'
import { places, rawRows, rawRun } from '../run.ts'

/** An event of another server that cannot be judged yet (see the migration). */
export interface HeldRow {
  room_nid: number
  event_id: string
  server_nid: number
  received_ts: number
  attempts: number
  retry_at: number
  json: string
}

/**
 * Holds events; one that is held already keeps its place, and is looked at again when the new one is. `isOwn`: the server
 * made them itself, so that they count as sent by it, whoever sent them on before.
 */
export async function upsertHeld(tx: Tx, rows: readonly Omit<HeldRow, 'attempts'>[], isOwn: boolean): Promise<void> {
  await insertRows(
    tx,
    'held_event (room_nid, event_id, server_nid, received_ts, retry_at, json)',
    rows.map((row) => [row.room_nid, row.event_id, row.server_nid, row.received_ts, row.retry_at, row.json]),
    `on conflict (room_nid, event_id) do update set retry_at = excluded.retry_at${isOwn ? ', server_nid = excluded.server_nid' : ''}`,
  )
}

/** The held events of a room, those first that were looked at least often, and of them the newest; with who sent them. */
export const listHeld = (db: Db, roomNid: number, limit: number): Promise<(HeldRow & { server: string })[]> =>
  rawRows(
    db,
    `select h.*, n.text as server from held_event h join name n on n.nid = h.server_nid
     where h.room_nid = ? order by h.attempts, h.received_ts desc, h.event_id desc limit ?`,
    [roomNid, limit],
  )

/** How many events are held for a room, and how many of them one server sent. */
export async function countHeld(db: Db, roomNid: number, server: string): Promise<{ all: number; ofServer: number }> {
  const [row] = await rawRows<{ n: number; own: number | null }>(
    db,
    `select count(*) as n, sum(case when n.text = ? then 1 else 0 end) as own
     from held_event h join name n on n.nid = h.server_nid where h.room_nid = ?`,
    [server, roomNid],
  )
  return { all: row?.n ?? 0, ofServer: Number(row?.own ?? 0) }
}

export async function hasHeld(db: Db, roomNid: number): Promise<boolean> {
  return (await rawRows(db, 'select 1 from held_event where room_nid = ? limit 1', [roomNid])).length > 0
}

/** Events that are due of which it is looked in which rooms they are: more than those that are being looked at anyway. */
const MAX_DUE = 10_000

/** Rooms with events that are due, the longest due first. */
export async function listRoomsDue(db: Db, now: number, limit: number): Promise<RoomId[]> {
  const rows = await rawRows<{ room_id: RoomId }>(
    db,
    `select r.room_id, min(h.retry_at) as due
     from (select room_nid, retry_at from held_event where retry_at <= ? order by retry_at limit ?) h
     join room r on r.nid = h.room_nid group by r.room_id order by due limit ?`,
    [now, MAX_DUE, limit],
  )
  return rows.map((row) => row.room_id)
}

/** When the next held event is due in other rooms than these; undefined: none is held. */
export async function nextDue(db: Db, exceptRooms: readonly string[]): Promise<number | undefined> {
  const except = exceptRooms.length === 0 ? 'null' : places(exceptRooms.length)
  const sql = `select retry_at as due from held_event
    where room_nid not in (select nid from room where room_id in (${except})) order by retry_at limit 1`
  return (await rawRows<{ due: number }>(db, sql, exceptRooms))[0]?.due
}

/** Has what is held in a room looked at by then. */
export async function hastenHeld(tx: Tx, roomNid: number, retryAt: number): Promise<void> {
  await rawRun(tx, 'update held_event set retry_at = ? where room_nid = ? and retry_at > ?', [
    retryAt,
    roomNid,
    retryAt,
  ])
}

/** After an attempt that found nothing: when to try next. */
export async function postponeHeld(tx: Tx, roomNid: number, ids: readonly string[], retryAt: number): Promise<void> {
  const sql = 'update held_event set attempts = attempts + 1, retry_at = ? where room_nid = ? and event_id in'
  await runIn(tx, sql, ids, [retryAt, roomNid])
}

/** After an attempt that failed because of us: when to try next with what is due in the room. */
export async function postponeDue(tx: Tx, roomId: RoomId, now: number, retryAt: number): Promise<void> {
  await rawRun(
    tx,
    `update held_event set attempts = attempts + 1, retry_at = ?
     where room_nid = (select nid from room where room_id = ?) and retry_at <= ?`,
    [retryAt, roomId, now],
  )
}

export async function deleteHeld(tx: Tx, roomNid: number, ids: readonly string[]): Promise<void> {
  await runIn(tx, 'delete from held_event where room_nid = ? and event_id in', ids, [roomNid])
}

/** Drops the newest events of whoever sent most of those that are held for a room. */
export async function deleteHeldOfMost(tx: Tx, roomNid: number, count: number): Promise<void> {
  await rawRun(
    tx,
    `delete from held_event where room_nid = ? and event_id in
       (select event_id from held_event where room_nid = ? and server_nid =
          (select server_nid from held_event where room_nid = ? group by server_nid order by count(*) desc limit 1)
        order by received_ts desc limit ?)`,
    [roomNid, roomNid, roomNid, count],
  )
}

/** Gives up on events that nobody could complete; returns how many, at most `limit`. */
export const deleteHeldBefore = deletionBefore('held_event', 'room_nid, event_id', 'received_ts')
