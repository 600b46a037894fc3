import type { Db, Tx } from './db.ts'
import { EVENT_COLUMNS, type EventRow } from './events.ts'
import { type Param, places, rawRows, rawRun, valueLists } from './run.ts'

/** One row of `transaction_id`: what a client's transaction id produced. */
export interface TransactionRow {
  device_nid: number
  room_nid: number
  txn_id: string
  event_nid: number
  created_ts: number
}

const CHUNK = 500

/**
 * Records what transaction ids produced. Answers the rows that it could not write, because their ids were used before:
 * the key of the table decides, so that nobody has to look first.
 */
export async function insertTransactions(tx: Tx, rows: readonly TransactionRow[]): Promise<TransactionRow[]> {
  const params: Param[] = []
  for (const row of rows) params.push(row.device_nid, row.room_nid, row.txn_id, row.event_nid, row.created_ts)
  const written = await rawRun(
    tx,
    `insert into transaction_id (device_nid, room_nid, txn_id, event_nid, created_ts) values ${valueLists(rows.length, 5)}
     on conflict (device_nid, room_nid, txn_id) do nothing`,
    params,
  )
  if (written === rows.length) return []
  const own = await listTransactionsOf(
    tx,
    rows.map((row) => row.event_nid),
  )
  const done = new Set(own.map((row) => row.event_nid))
  return rows.filter((row) => !done.has(row.event_nid))
}

/** The events that these transaction ids produced in a room. */
export const listTransactionEvents = (
  db: Db,
  roomNid: number,
  txns: readonly { deviceNid: number; txnId: string }[],
): Promise<(EventRow & { device_nid: number; txn_id: string })[]> =>
  rawRows(
    db,
    `select t.device_nid, t.txn_id, ${EVENT_COLUMNS} from transaction_id t join event e on e.nid = t.event_nid
     where ${txns.map(() => '(t.device_nid = ? and t.room_nid = ? and t.txn_id = ?)').join(' or ')}`,
    txns.flatMap(({ deviceNid, txnId }) => [deviceNid, roomNid, txnId]),
  )

/** The transactions that produced these events, whosever they are. */
export async function listTransactionsOf(
  db: Db,
  eventNids: readonly number[],
): Promise<Pick<TransactionRow, 'event_nid' | 'device_nid' | 'txn_id'>[]> {
  if (eventNids.length === 0) return []
  return rawRows(
    db,
    `select event_nid, device_nid, txn_id from transaction_id where event_nid in (${places(eventNids.length)})`,
    eventNids,
  )
}

/** The transactions of these devices that produced these events. */
export async function listTransactionsBy(
  db: Db,
  deviceNids: readonly number[],
  eventNids: readonly number[],
): Promise<Pick<TransactionRow, 'event_nid' | 'device_nid' | 'txn_id'>[]> {
  const found: Pick<TransactionRow, 'event_nid' | 'device_nid' | 'txn_id'>[] = []
  for (let start = 0; start < eventNids.length; start += CHUNK) {
    const part = eventNids.slice(start, start + CHUNK)
    const rows = await rawRows<Pick<TransactionRow, 'event_nid' | 'device_nid' | 'txn_id'>>(
      db,
      `select event_nid, device_nid, txn_id from transaction_id
       where event_nid in (${places(part.length)}) and device_nid in (${places(deviceNids.length)})`,
      [...part, ...deviceNids],
    )
    found.push(...rows)
  }
  return found
}

/** Forgets transaction ids older than this; returns how many, at most `limit`. */
export const deleteTransactionsBefore = (tx: Tx, createdTs: number, limit: number): Promise<number> =>
  rawRun(
    tx,
    `delete from transaction_id where event_nid in
       (select event_nid from transaction_id where created_ts < ? order by created_ts limit ?)`,
    [createdTs, limit],
  )
