import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A device that nobody is logged in on. `data`: JSON text. */
export interface DehydratedDevice {
  readonly nid: number
  readonly deviceId: string
  readonly data: string
}

export async function findDehydratedDevice(db: Db, userNid: number): Promise<DehydratedDevice | undefined> {
  const sql = `select d.nid, d.device_id, h.data from dehydrated_device h join device d on d.nid = h.device_nid
    where h.user_nid = ?`
  const [row] = await rawRows<{ nid: number; device_id: string; data: string }>(db, sql, [userNid])
  return row && { nid: row.nid, deviceId: row.device_id, data: row.data }
}

export async function insertDehydratedDevice(
  tx: Tx,
  userNid: number,
  { nid, data }: Omit<DehydratedDevice, 'deviceId'>,
): Promise<void> {
  await rawRun(tx, 'insert into dehydrated_device (user_nid, device_nid, data) values (?, ?, ?)', [userNid, nid, data])
}

/** Messages that wait for a device in (`after`, `upTo`], the oldest `limit` of them. */
export const listWaiting = (
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
