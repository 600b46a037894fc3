import type { Db, Tx } from './db.ts'
import { deleteKeysOfDevices } from './device-keys.ts'
import { deletePushersOfDevices } from './pushers.ts'
import { rawRows, rawRun } from './run.ts'

export interface Device {
  readonly nid: number
  readonly deviceId: string
  readonly displayName: string | undefined
  readonly lastSeenTs: number | undefined
  readonly lastSeenIp: string | undefined
}

interface Row {
  nid: number
  device_id: string
  display_name: string | null
  last_seen_ts: number | null
  last_seen_ip: string | null
}

const COLUMNS = 'nid, device_id, display_name, last_seen_ts, last_seen_ip'

const toDevice = (row: Row): Device => ({
  nid: row.nid,
  deviceId: row.device_id,
  displayName: row.display_name ?? undefined,
  lastSeenTs: row.last_seen_ts ?? undefined,
  lastSeenIp: row.last_seen_ip ?? undefined,
})

export async function findDevice(db: Db, userNid: number, deviceId: string): Promise<Device | undefined> {
  const sql = `select ${COLUMNS} from device where user_nid = ? and device_id = ?`
  const [row] = await rawRows<Row>(db, sql, [userNid, deviceId])
  return row && toDevice(row)
}

/** The user's devices among these. */
export async function devicesById(db: Db, userNid: number, deviceIds: readonly string[]): Promise<Device[]> {
  if (deviceIds.length === 0) return []
  const places = deviceIds.map(() => '?').join(', ')
  const sql = `select ${COLUMNS} from device where user_nid = ? and device_id in (${places})`
  return (await rawRows<Row>(db, sql, [userNid, ...deviceIds])).map(toDevice)
}

export async function listDevices(db: Db, userNid: number): Promise<Device[]> {
  const sql = `select ${COLUMNS} from device where user_nid = ? order by device_id`
  return (await rawRows<Row>(db, sql, [userNid])).map(toDevice)
}

/** The device's nid. A known device keeps its display name (spec: `initial_device_display_name` is ignored then). */
export async function upsertDevice(
  tx: Tx,
  device: { userNid: number; deviceId: string; displayName: string | undefined },
): Promise<number> {
  const [row] = await rawRows<{ nid: number }>(
    tx,
    `insert into device (user_nid, device_id, display_name) values (?, ?, ?)
     on conflict (user_nid, device_id) do update set device_id = excluded.device_id returning nid`,
    [device.userNid, device.deviceId, device.displayName ?? null],
  )
  if (!row) throw new Error('A device was neither inserted nor found')
  return row.nid
}

/** Whether the user has such a device. */
export async function updateDisplayName(tx: Tx, userNid: number, deviceId: string, name: string): Promise<boolean> {
  const sql = 'update device set display_name = ? where user_nid = ? and device_id = ?'
  return (await rawRun(tx, sql, [name, userNid, deviceId])) === 1
}

/**
 * Holds the device's row until the transaction ends, so that token rotations of one device do not interleave; false if
 * there is no such device.
 */
export async function lockDevice(tx: Tx, deviceNid: number): Promise<boolean> {
  return (await rawRun(tx, 'update device set user_nid = user_nid where nid = ?', [deviceNid])) === 1
}

/** Deletes these devices of the user, with their tokens, pushers, keys and messages; returns the nids of those that existed. */
export async function deleteDevices(tx: Tx, userNid: number, nids: readonly number[]): Promise<number[]> {
  if (nids.length === 0) return []
  const places = nids.map(() => '?').join(', ')
  const sql = `delete from device where user_nid = ? and nid in (${places}) returning nid`
  const deleted = (await rawRows<{ nid: number }>(tx, sql, [userNid, ...nids])).map((row) => row.nid)
  if (deleted.length === 0) return []
  const gone = deleted.map(() => '?').join(', ')
  await rawRun(tx, `delete from access_token where device_nid in (${gone})`, deleted)
  await rawRun(tx, `delete from refresh_token where device_nid in (${gone})`, deleted)
  await deletePushersOfDevices(tx, gone, deleted)
  await deleteKeysOfDevices(tx, gone, deleted)
  return deleted
}

/** Deletes all devices of the user, with their tokens, pushers, keys and messages, but for one that may be kept. */
export async function deleteDevicesExcept(tx: Tx, userNid: number, keptNid: number | undefined): Promise<void> {
  const meant = `select nid from device where user_nid = ? and nid <> ?`
  const params = [userNid, keptNid ?? -1]
  await rawRun(tx, `delete from access_token where device_nid in (${meant})`, params)
  await rawRun(tx, `delete from refresh_token where device_nid in (${meant})`, params)
  await deletePushersOfDevices(tx, meant, params)
  await deleteKeysOfDevices(tx, meant, params)
  await rawRun(tx, 'delete from device where user_nid = ? and nid <> ?', params)
}

export interface Sighting {
  readonly deviceNid: number
  readonly ts: number
  readonly ip: string | undefined
  readonly userAgent: string | undefined
}

/** Notes when and whence devices were last seen, all in one statement. */
export async function updateLastSeen(tx: Tx, sightings: readonly Sighting[]): Promise<void> {
  if (sightings.length === 0) return
  const row = '(cast(? as bigint), cast(? as bigint), cast(? as text), cast(? as text))'
  await rawRun(
    tx,
    `update device set last_seen_ts = seen.column2, last_seen_ip = seen.column3, user_agent = seen.column4
     from (values ${sightings.map(() => row).join(', ')}) as seen where device.nid = seen.column1`,
    sightings.flatMap(({ deviceNid, ts, ip, userAgent }) => [deviceNid, ts, ip ?? null, userAgent ?? null]),
  )
}
