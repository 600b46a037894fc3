import type { RoomId, UserId } from '../matrix/ids.ts'
import type { Db, Tx } from './db.ts'
import { insertRows, runIn, sendRows } from './many.ts'
import { type EventRow, selectEvents } from './rooms/events.ts'
import { places, rawRows, rawRun, valuesOf } from './run.ts'

/** Queues events, by their numbers, for an application service. */
export function queueForAppService(tx: Tx, serviceNid: number, eventNids: readonly number[]): void {
  sendRows(
    tx,
    'appservice_event (service_nid, event_nid)',
    eventNids.map((eventNid) => [serviceNid, eventNid]),
    'on conflict (service_nid, event_nid) do nothing',
  )
}

/** The oldest events that wait for it, in the order in which they came. */
export const listQueuedEvents = (
  db: Db,
  serviceNid: number,
  limit: number,
): Promise<(EventRow & { room_id: RoomId })[]> =>
  selectEvents<{ room_id: RoomId }>(
    db,
    `from appservice_event q join event e on e.nid = q.event_nid join room r on r.nid = e.room_nid
     where q.service_nid = ? order by q.event_nid limit ?`,
    [serviceNid, limit],
    'r.room_id',
  )

/** Queues messages to these devices, which are stored under this position. */
export async function queueMessages(
  tx: Tx,
  serviceNid: number,
  pos: number,
  deviceNids: readonly number[],
): Promise<void> {
  await insertRows(
    tx,
    'appservice_to_device (service_nid, pos, device_nid)',
    deviceNids.map((deviceNid) => [serviceNid, pos, deviceNid]),
  )
}

export interface QueuedMessage {
  readonly pos: number
  readonly device_nid: number
  readonly device_id: string
  readonly user_id: UserId
  /** Null where the device has fetched it itself meanwhile. */
  readonly json: string | null
}

/** The oldest messages to devices that wait for it. */
export const listQueuedMessages = (db: Db, serviceNid: number, limit: number): Promise<QueuedMessage[]> =>
  rawRows(
    db,
    `select q.pos, q.device_nid, d.device_id, n.text as user_id, t.json from appservice_to_device q
     left join to_device t on t.device_nid = q.device_nid and t.pos = q.pos
     left join device d on d.nid = q.device_nid left join name n on n.nid = d.user_nid
     where q.service_nid = ? order by q.pos, q.device_nid limit ?`,
    [serviceNid, limit],
  )

/** Queues that the devices of these users changed. */
export async function queueChangedUsers(tx: Tx, serviceNid: number, userNids: readonly number[]): Promise<void> {
  await insertRows(
    tx,
    'appservice_device_list (service_nid, user_nid)',
    userNids.map((userNid) => [serviceNid, userNid]),
    'on conflict (service_nid, user_nid) do nothing',
  )
}

export const listChangedUsers = (
  db: Db,
  serviceNid: number,
  limit: number,
): Promise<{ user_nid: number; user_id: UserId }[]> =>
  rawRows(
    db,
    `select q.user_nid, n.text as user_id from appservice_device_list q join name n on n.nid = q.user_nid
     where q.service_nid = ? order by q.user_nid limit ?`,
    [serviceNid, limit],
  )

export interface StoredTransaction {
  readonly txnId: string
  readonly body: string
}

/** The transaction that is under way: it was sent, or is about to be, and not yet accepted. */
export async function findTransaction(db: Db, serviceNid: number): Promise<StoredTransaction | undefined> {
  const sql = 'select txn_id, body from appservice_transaction where service_nid = ?'
  const [row] = await rawRows<{ txn_id: string; body: string }>(db, sql, [serviceNid])
  return row && { txnId: row.txn_id, body: row.body }
}

type MessageKey = Pick<QueuedMessage, 'pos' | 'device_nid'>

/** What a transaction holds of the queues. */
export interface Taken {
  readonly eventNids: readonly number[]
  readonly messages: readonly MessageKey[]
  /** Those of the messages that are for nobody else. */
  readonly handedOn: readonly MessageKey[]
  readonly changedUserNids: readonly number[]
}

/** Stores a transaction in place of what it holds. */
export async function insertTransaction(
  tx: Tx,
  serviceNid: number,
  { txnId, body }: StoredTransaction,
  { eventNids, messages, handedOn, changedUserNids }: Taken,
): Promise<void> {
  await rawRun(tx, 'insert into appservice_transaction (service_nid, txn_id, body) values (?, ?, ?)', [
    serviceNid,
    txnId,
    body,
  ])
  await runIn(tx, 'delete from appservice_event where service_nid = ? and event_nid in', eventNids, [serviceNid])
  await runIn(tx, 'delete from appservice_device_list where service_nid = ? and user_nid in', changedUserNids, [
    serviceNid,
  ])
  await deletePairs(tx, 'delete from to_device where (device_nid, pos) in', handedOn)
  await deletePairs(tx, 'delete from appservice_to_device where service_nid = ? and (device_nid, pos) in', messages, [
    serviceNid,
  ])
}

async function deletePairs(tx: Tx, statement: string, keys: readonly MessageKey[], params: readonly number[] = []) {
  if (keys.length === 0) return
  const values = keys.flatMap(({ device_nid, pos }) => [device_nid, pos])
  await rawRun(tx, `${statement} (${valuesOf(keys.length, 'bigint', 'bigint')})`, [...params, ...values])
}

/** The application service has accepted its transaction. */
export async function deleteTransaction(tx: Tx, serviceNid: number): Promise<void> {
  await rawRun(tx, 'delete from appservice_transaction where service_nid = ?', [serviceNid])
}

/** Forgets what waits for application services other than these: they are registered no longer. */
export async function deleteQueuesExcept(tx: Tx, serviceNids: readonly number[]): Promise<void> {
  const others = serviceNids.length === 0 ? '' : ` where service_nid not in (${places(serviceNids.length)})`
  for (const table of QUEUES) await rawRun(tx, `delete from ${table}${others}`, serviceNids)
}

const QUEUES = ['appservice_event', 'appservice_to_device', 'appservice_device_list', 'appservice_transaction'] as const
