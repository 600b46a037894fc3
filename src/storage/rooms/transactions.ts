import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn, sendRows } from '../many.ts'
import { places, rawRows, rawRun } from '../run.ts'
import { EVENT_COLUMNS, type EventRow } from './events.ts'

/** One row of `transaction_id`: what a client's transaction id produced. */
export interface TransactionRow {
  device_nid: number
  room_nid: number
  path_crc: number
  txn_id: string
  event_nid: number
  created_ts: number
}

type EventTransaction = Pick<TransactionRow, 'event_nid' | 'device_nid' | 'path_crc' | 'txn_id'>

const INTO = 'transaction_id (device_nid, room_nid, path_crc, txn_id, event_nid, created_ts)'
const UNLESS_USED = 'on conflict (device_nid, room_nid, path_crc, txn_id) do nothing'

const valuesOf = (rows: readonly TransactionRow[]) =>
  rows.map((row) => [row.device_nid, row.room_nid, row.path_crc, row.txn_id, row.event_nid, row.created_ts])

/**
 * Records what transaction ids produced. The transaction fails with `otherwise` when one of them was used before: the
 * key of the table decides, so that nobody has to look first.
 */
export const sendTransactions = (tx: Tx, rows: readonly TransactionRow[], otherwise: () => Error): void =>
  sendRows(tx, INTO, valuesOf(rows), UNLESS_USED, otherwise)

/** The same, and answers the rows that it could not write. */
export async function insertTransactions(tx: Tx, rows: readonly TransactionRow[]): Promise<TransactionRow[]> {
  const written = await insertRows(tx, INTO, valuesOf(rows), UNLESS_USED)
  if (written === rows.length) return []
  const own = await listTransactionsOf(
    tx,
    rows.map((row) => row.event_nid),
  )
  const done = new Set(own.map((row) => row.event_nid))
  return rows.filter((row) => !done.has(row.event_nid))
}

/** The events that these transactions produced in a room. */
export const listTransactionEvents = (
  db: Db,
  roomNid: number,
  txns: readonly { deviceNid: number; pathCrc: number; txnId: string }[],
): Promise<(EventRow & Pick<TransactionRow, 'device_nid' | 'path_crc' | 'txn_id'>)[]> =>
  rawRows(
    db,
    `select t.device_nid, t.path_crc, t.txn_id, ${EVENT_COLUMNS} from transaction_id t join event e on e.nid = t.event_nid
     where ${txns.map(() => '(t.device_nid = ? and t.room_nid = ? and t.path_crc = ? and t.txn_id = ?)').join(' or ')}`,
    txns.flatMap(({ deviceNid, pathCrc, txnId }) => [deviceNid, roomNid, pathCrc, txnId]),
  )

/** The transactions that produced these events, whosever they are. */
export const listTransactionsOf = (db: Db, eventNids: readonly number[]): Promise<EventTransaction[]> =>
  rowsIn(db, 'select event_nid, device_nid, path_crc, txn_id from transaction_id where event_nid in', eventNids)

/** The transactions of these devices that produced these events. */
export const listTransactionsBy = (
  db: Db,
  deviceNids: readonly number[],
  eventNids: readonly number[],
): Promise<EventTransaction[]> =>
  rowsIn(
    db,
    `select event_nid, device_nid, path_crc, txn_id from transaction_id
     where device_nid in (${places(deviceNids.length)}) and event_nid in`,
    eventNids,
    deviceNids,
  )

/**
 * Forgets transaction ids older than this; returns how many, at most `limit`. The oldest are those of the first events: an
 * index on the time would be one more page to write for each message.
 */
export const deleteTransactionsBefore = (tx: Tx, before: number, limit: number): Promise<number> =>
  rawRun(
    tx,
    `delete from transaction_id where event_nid in (
       select event_nid from (select event_nid, created_ts from transaction_id order by event_nid limit ?) oldest
       where created_ts < ?)`,
    [limit, before],
  )
