import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { deletionBefore } from '../expire.ts'
import { insertRows } from '../many.ts'
import { rawRows, rawRun, rawSend, valuesOf } from '../run.ts'

export interface WaitingMessage {
  readonly deviceNid: number
  /** The event as the client gets it. */
  readonly json: string
}

/** Notes the transaction id of a device; false when it was used before. */
export async function insertToDeviceTransaction(
  tx: Tx,
  deviceNid: number,
  txnId: string,
  ts: number,
): Promise<boolean> {
  const sql = `insert into to_device_transaction (device_nid, txn_id, created_ts) values (?, ?, ?) on conflict do nothing`
  return (await rawRun(tx, sql, [deviceNid, txnId, ts])) > 0
}

export const deleteToDeviceTransactionsBefore = deletionBefore(
  'to_device_transaction',
  'device_nid, txn_id',
  'created_ts',
)

/** Notes the id of messages of another server; false when they came before. */
export async function insertInboundMessage(tx: Tx, serverNid: number, messageId: string, ts: number): Promise<boolean> {
  const sql = `insert into inbound_message (server_nid, message_id, received_ts) values (?, ?, ?) on conflict do nothing`
  return (await rawRun(tx, sql, [serverNid, messageId, ts])) > 0
}

export const deleteInboundMessagesBefore = deletionBefore('inbound_message', 'server_nid, message_id', 'received_ts')

/** Stores messages, at most one for each device, under one position. */
export async function insertToDevice(tx: Tx, pos: number, messages: readonly WaitingMessage[]): Promise<void> {
  await insertRows(
    tx,
    'to_device (device_nid, pos, json)',
    messages.map(({ deviceNid, json }) => [deviceNid, pos, json]),
  )
}

/** Messages of the device in (`after`, `upTo`], the oldest `limit` of them in order. */
export const listToDevice = (
  db: Db,
  deviceNid: number,
  after: number,
  upTo: number,
  limit: number,
): Promise<{ pos: number; json: string }[]> =>
  rawRows(db, 'select pos, json from to_device where device_nid = ? and pos > ? and pos <= ? order by pos limit ?', [
    deviceNid,
    after,
    upTo,
    limit,
  ])

/** Deletes the messages of a device up to a position. */
export const deleteToDevice = (tx: Tx, deviceNid: number, upTo: number): void =>
  rawSend(tx, 'delete from to_device where device_nid = ? and pos <= ?', [deviceNid, upTo])

/** Devices of one statement. */
const MAX_TRIMMED = 500

/**
 * Drops the oldest messages of these devices beyond `max`. Where that begins is looked up once for each device: asked of
 * each message, it held everybody else up for four seconds.
 */
export async function trimToDevice(tx: Tx, deviceNids: readonly number[], max: number): Promise<void> {
  for (const part of chunks(deviceNids, MAX_TRIMMED)) {
    await rawRun(
      tx,
      `delete from to_device where (device_nid, pos) in (select t.device_nid, t.pos from
         (select v.column1 as nid, (select b.pos from to_device b where b.device_nid = v.column1
            order by b.pos desc limit 1 offset ?) as pos from (${valuesOf(part.length, 'bigint')}) v) d
         cross join to_device t where t.device_nid = d.nid and t.pos <= d.pos)`,
      [max, ...part],
    )
  }
}
