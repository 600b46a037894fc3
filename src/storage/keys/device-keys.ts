import type { Db, Tx } from '../db.ts'
import { rowsIn, runIn } from '../many.ts'
import { places, rawRows, rawRun } from '../run.ts'

/** What one device published. `json`: the key object's text. */
export interface DeviceKeyRow {
  user_nid: number
  device_nid: number
  device_id: string
  display_name: string | null
  json: string
}

/** The text of what the device published of its identity. */
export async function findDeviceKey(db: Db, deviceNid: number): Promise<string | undefined> {
  const [row] = await rawRows<{ json: string }>(db, 'select json from device_key where device_nid = ?', [deviceNid])
  return row?.json
}

/** Stores a device's identity; false when it is the same text as before. */
export async function upsertDeviceKey(tx: Tx, userNid: number, deviceNid: number, json: string): Promise<boolean> {
  const sql = `insert into device_key (device_nid, user_nid, json) values (?, ?, ?)
    on conflict (device_nid) do update set json = excluded.json where device_key.json <> excluded.json`
  return (await rawRun(tx, sql, [deviceNid, userNid, json])) > 0
}

/** The published identities of the devices of these users. */
export const listDeviceKeys = (db: Db, userNids: readonly number[]): Promise<DeviceKeyRow[]> =>
  rowsIn(
    db,
    `select k.user_nid, k.device_nid, d.device_id, d.display_name, k.json
     from device_key k join device d on d.nid = k.device_nid where k.user_nid in`,
    userNids,
  )

/** Deletes keys, messages and remembered transactions of devices. */
export async function deleteKeysOfDevices(tx: Tx, deviceNids: readonly number[]): Promise<void> {
  const tables = [
    'device_key',
    'one_time_key',
    'fallback_key',
    'to_device',
    'to_device_transaction',
    'dehydrated_device',
  ]
  for (const table of tables) {
    await runIn(tx, `delete from ${table} where device_nid in`, deviceNids)
  }
}

export interface NamedDevice {
  user_nid: number
  device_id: string
  nid: number
}

/** Devices of these users, of any of them that has one of these ids; all of them without ids. */
export async function findDevicesOf(
  db: Db,
  userNids: readonly number[],
  deviceIds?: ReadonlySet<string>,
): Promise<NamedDevice[]> {
  if (userNids.length === 0 || deviceIds?.size === 0) return []
  const sql = `select user_nid, device_id, nid from device where user_nid in (${places(userNids.length)})`
  const wanted = deviceIds ? ` and device_id in (${places(deviceIds.size)})` : ''
  return rawRows<NamedDevice>(db, sql + wanted, [...userNids, ...(deviceIds ?? [])])
}
