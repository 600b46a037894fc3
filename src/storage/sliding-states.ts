import type { Db, Tx } from './db.ts'
import { deletionBefore } from './expire.ts'
import { runIn } from './many.ts'
import { rawRows, rawRun } from './run.ts'

/** The stored state of a connection, as JSON text, and when it was last used; undefined: there is none. */
export async function findSlidingState(
  db: Db,
  deviceNid: number,
  connId: string,
  id: string,
): Promise<{ rooms: string; used_ts: number } | undefined> {
  const sql = 'select rooms, used_ts from sliding_state where device_nid = ? and conn_id = ? and id = ?'
  return (await rawRows<{ rooms: string; used_ts: number }>(db, sql, [deviceNid, connId, id]))[0]
}

export interface NewSlidingState {
  readonly deviceNid: number
  readonly connId: string
  readonly id: string
  /** The state that the device has for certain; it stays, all others of the connection go. */
  readonly after: string | undefined
  readonly rooms: string
  readonly ts: number
}

export async function insertSlidingState(tx: Tx, state: NewSlidingState): Promise<void> {
  const { deviceNid, connId, id, after, rooms, ts } = state
  await rawRun(tx, 'delete from sliding_state where device_nid = ? and conn_id = ? and id <> ?', [
    deviceNid,
    connId,
    after ?? '',
  ])
  await rawRun(tx, 'insert into sliding_state (device_nid, conn_id, id, rooms, used_ts) values (?, ?, ?, ?, ?)', [
    deviceNid,
    connId,
    id,
    rooms,
    ts,
  ])
}

/** Drops the connections of a device that were not used for longest, beyond `max`; returns which. */
export async function trimSlidingConnections(tx: Tx, deviceNid: number, max: number): Promise<string[]> {
  const rows = await rawRows<{ conn_id: string }>(
    tx,
    `delete from sliding_state where device_nid = ? and conn_id in
       (select conn_id from sliding_state where device_nid = ? group by conn_id
        order by max(used_ts) desc, conn_id limit 1000 offset ?)
     returning conn_id`,
    [deviceNid, deviceNid, max],
  )
  return rows.map((row) => row.conn_id)
}

export async function updateSlidingUse(tx: Tx, deviceNid: number, connId: string, ts: number): Promise<void> {
  await rawRun(tx, 'update sliding_state set used_ts = ? where device_nid = ? and conn_id = ?', [ts, deviceNid, connId])
}

export const deleteSlidingStatesBefore = deletionBefore('sliding_state', 'device_nid, conn_id, id', 'used_ts')

/** Deletes the connections of devices that go. */
export async function deleteSlidingOfDevices(tx: Tx, deviceNids: readonly number[]): Promise<void> {
  await runIn(tx, 'delete from sliding_state where device_nid in', deviceNids)
}
