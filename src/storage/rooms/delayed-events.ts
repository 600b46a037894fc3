import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

export interface NewDelayedEvent {
  readonly delayId: string
  readonly userNid: number
  readonly deviceNid: number
  readonly roomNid: number
  /** By which a request that is repeated is known again, where it has a transaction id. */
  readonly txnId: string | undefined
  /** What is to be sent, as JSON text. */
  readonly event: string
  readonly delayMs: number
  readonly sendAt: number
}

/** An event that waits, with what must be known to send it. */
export interface DelayedEvent {
  readonly delayId: string
  readonly userNid: number
  readonly userId: UserId
  readonly roomId: RoomId
  readonly event: string
  readonly delayMs: number
  readonly sendAt: number
  readonly isGuest: boolean
  /** Whether its sender may do such things: the account is neither ended nor locked nor suspended. */
  readonly maySend: boolean
}

interface Row {
  delay_id: string
  user_nid: number
  user_id: UserId
  room_id: RoomId
  event: string
  delay_ms: number
  send_at: number
  is_guest: number
  may_send: number
}

const SELECT = `select d.delay_id, d.user_nid, a.user_id, r.room_id, d.event, d.delay_ms, d.send_at, a.is_guest,
    case when a.deactivated + a.locked + a.suspended = 0 then 1 else 0 end as may_send
  from delayed_event d join account a on a.user_nid = d.user_nid join room r on r.nid = d.room_nid`

const toEvent = (row: Row): DelayedEvent => ({
  delayId: row.delay_id,
  userNid: row.user_nid,
  userId: row.user_id,
  roomId: row.room_id,
  event: row.event,
  delayMs: row.delay_ms,
  sendAt: row.send_at,
  isGuest: row.is_guest === 1,
  maySend: row.may_send === 1,
})

/** Writes it, unless the device has used this transaction id for an event that waits: answers that one's id then. */
export async function insertDelayedEvent(tx: Tx, event: NewDelayedEvent): Promise<string> {
  const { delayId, userNid, deviceNid, roomNid, txnId = null, delayMs, sendAt } = event
  const written = await rawRun(
    tx,
    `insert into delayed_event (delay_id, user_nid, device_nid, room_nid, txn_id, event, delay_ms, send_at)
     values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (device_nid, room_nid, txn_id) do nothing`,
    [delayId, userNid, deviceNid, roomNid, txnId, event.event, delayMs, sendAt],
  )
  if (written === 1) return delayId
  const [known] = await rawRows<{ delay_id: string }>(
    tx,
    'select delay_id from delayed_event where device_nid = ? and room_nid = ? and txn_id = ?',
    [deviceNid, roomNid, txnId],
  )
  if (!known) throw new Error('A delayed event is neither new nor there')
  return known.delay_id
}

/** How many other events of a user wait, and when the next of them is due (0: there is none). */
export async function countOtherDelayed(
  db: Db,
  userNid: number,
  delayId: string,
): Promise<{ count: number; nextAt: number }> {
  const [row] = await rawRows<{ count: number; next_at: number }>(
    db,
    `select count(*) as count, coalesce(min(send_at), 0) as next_at from delayed_event
     where user_nid = ? and delay_id <> ?`,
    [userNid, delayId],
  )
  return { count: row?.count ?? 0, nextAt: row?.next_at ?? 0 }
}

export async function findDelayedEvent(db: Db, delayId: string): Promise<DelayedEvent | undefined> {
  const [row] = await rawRows<Row>(db, `${SELECT} where d.delay_id = ?`, [delayId])
  return row && toEvent(row)
}

/** All that waits of a user, in the order in which it is due. */
export async function listDelayedEvents(db: Db, userNid: number): Promise<DelayedEvent[]> {
  const rows = await rawRows<Row>(db, `${SELECT} where d.user_nid = ? order by d.send_at, d.delay_id`, [userNid])
  return rows.map(toEvent)
}

/** The rooms in which events wait. */
export async function listDelayedRooms(db: Db): Promise<number[]> {
  const rows = await rawRows<{ room_nid: number }>(db, 'select distinct room_nid from delayed_event')
  return rows.map((row) => row.room_nid)
}

/** What is due next in a room. */
export async function findNextDelayed(
  db: Db,
  roomNid: number,
): Promise<{ delay_id: string; send_at: number } | undefined> {
  const sql = 'select delay_id, send_at from delayed_event where room_nid = ? order by send_at, delay_id limit 1'
  return (await rawRows<{ delay_id: string; send_at: number }>(db, sql, [roomNid]))[0]
}

/** Starts its time anew; `false` if it does not wait any more. */
export async function updateRestarted(tx: Tx, delayId: string, now: number): Promise<boolean> {
  return (await rawRun(tx, 'update delayed_event set send_at = delay_ms + ? where delay_id = ?', [now, delayId])) === 1
}

export async function updateSendAt(tx: Tx, delayId: string, sendAt: number): Promise<void> {
  await rawRun(tx, 'update delayed_event set send_at = ? where delay_id = ?', [sendAt, delayId])
}

/** Whether it was there. */
export const deleteDelayedEvent = async (tx: Tx, delayId: string): Promise<boolean> =>
  (await rawRun(tx, 'delete from delayed_event where delay_id = ?', [delayId])) === 1
