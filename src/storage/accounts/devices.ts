import type { UserId } from '../../matrix/ids.ts'
import { deleteAccountData } from '../account-data.ts'
import type { Db, Tx } from '../db.ts'
import { deleteSignaturesOn } from '../keys/cross-signing.ts'
import { deleteKeysOfDevices } from '../keys/device-keys.ts'
import { rowsIn, runIn } from '../many.ts'
import { deletePushersOfDevices } from '../push/pushers.ts'
import { places, rawRows, rawRun, valuesOf } from '../run.ts'
import { deleteSlidingOfDevices } from '../sliding-states.ts'
import { deleteLoginTokensOf } from './login-tokens.ts'
import { deleteOpenIdTokensOf } from './openid-tokens.ts'

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

/** The id of the device that the user logged in on last. */
export async function findNewestDevice(db: Db, userNid: number): Promise<string | undefined> {
  const sql = 'select device_id from device where user_nid = ? order by nid desc limit 1'
  return (await rawRows<{ device_id: string }>(db, sql, [userNid]))[0]?.device_id
}

/** These devices with their users; those that do not exist are left out. */
export async function listDevicesByNid(
  db: Db,
  nids: readonly number[],
): Promise<{ nid: number; deviceId: string; userId: UserId }[]> {
  if (nids.length === 0) return []
  const rows = await rawRows<{ nid: number; device_id: string; user_id: UserId }>(
    db,
    `select d.nid, d.device_id, n.text as user_id from device d join name n on n.nid = d.user_nid
     where d.nid in (${nids.map(() => '?').join(', ')})`,
    nids,
  )
  return rows.map((row) => ({ nid: row.nid, deviceId: row.device_id, userId: row.user_id }))
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

/** The nid of the device that was named; undefined if the user has no such device. */
export async function updateDisplayName(
  tx: Tx,
  userNid: number,
  deviceId: string,
  name: string,
): Promise<number | undefined> {
  const sql = 'update device set display_name = ? where user_nid = ? and device_id = ? returning nid'
  const [row] = await rawRows<{ nid: number }>(tx, sql, [name, userNid, deviceId])
  return row?.nid
}

/**
 * Holds the device's row until the transaction ends, so that token rotations of one device do not interleave; false if
 * there is no such device.
 */
export async function lockDevice(tx: Tx, deviceNid: number): Promise<boolean> {
  return (await rawRun(tx, 'update device set user_nid = user_nid where nid = ?', [deviceNid])) === 1
}

/** The next devices behind this one, in the order in which they were made. */
export const listDevicesAfter = (db: Db, after: number, limit: number): Promise<{ nid: number; user_nid: number }[]> =>
  rawRows(db, 'select nid, user_nid from device where nid > ? order by nid limit ?', [after, limit])

/** Those of the users who have more devices than that. */
export const listUsersWithDevices = (
  db: Db,
  userNids: readonly number[],
  moreThan: number,
): Promise<{ userNid: number; userId: UserId }[]> =>
  rowsIn(
    db,
    `select n.nid as "userNid", n.text as "userId" from name n
     where (select count(*) from device d where d.user_nid = n.nid) > ? and n.nid in`,
    userNids,
    [moreThan],
  )

/** The user's devices that were not seen for longest, beyond so many that were; one without a login is not among them. */
export async function listLeastSeen(db: Db, userNid: number, beyond: number, limit: number): Promise<number[]> {
  const rows = await rawRows<{ nid: number }>(
    db,
    `select nid from device where user_nid = ?
       and not exists (select 1 from dehydrated_device d where d.device_nid = device.nid)
     order by coalesce(last_seen_ts, 0) desc, nid desc limit ? offset ?`,
    [userNid, limit, beyond],
  )
  return rows.map(({ nid }) => nid)
}

/** Devices of one user: these, or all but one that is kept. */
export type DeviceChoice = { readonly nids: readonly number[] } | { readonly allBut: number | undefined }

/** Where the settings of one device for its own notifications stand in the account data (MSC3890). */
const LOCAL_SETTINGS = ['m.local_notification_settings.', 'org.matrix.msc3890.local_notification_settings.']

export interface GoneDevice {
  readonly nid: number
  readonly deviceId: string
  /** Whether others knew it by the identity that it had published. */
  readonly wasPublished: boolean
}

/**
 * Deletes devices of the user with all that belongs to them: tokens, pushers, keys and the signatures on them, messages,
 * connections, settings; with all of them, or all but one, also the tokens that would let new ones in, or prove to
 * others who somebody is. Returns those that existed.
 */
export async function deleteDevices(tx: Tx, userNid: number, choice: DeviceChoice): Promise<GoneDevice[]> {
  if ('allBut' in choice) {
    await deleteLoginTokensOf(tx, userNid)
    await deleteOpenIdTokensOf(tx, userNid)
  }
  const nids = 'nids' in choice ? choice.nids : [choice.allBut ?? -1]
  if (nids.length === 0) return []
  const condition = `user_nid = ? and nid ${'nids' in choice ? '' : 'not'} in (${places(nids.length)})`
  // Holds the rows, so that what is published meanwhile finds them gone.
  const sql = `update device set user_nid = user_nid where ${condition} returning nid, device_id,
    exists (select 1 from device_key k where k.device_nid = device.nid) as published`
  const rows = await rawRows<{ nid: number; device_id: string; published: unknown }>(tx, sql, [userNid, ...nids])
  if (rows.length === 0) return []
  const gone = rows.map(({ nid }) => nid)
  const deviceIds = rows.map(({ device_id }) => device_id)
  await runIn(tx, 'delete from access_token where device_nid in', gone)
  await runIn(tx, 'delete from refresh_token where device_nid in', gone)
  await deletePushersOfDevices(tx, gone)
  await deleteKeysOfDevices(tx, gone)
  await deleteSlidingOfDevices(tx, gone)
  await deleteSignaturesOn(tx, userNid, deviceIds)
  await deleteAccountData(
    tx,
    userNid,
    deviceIds.flatMap((id) => LOCAL_SETTINGS.map((prefix) => prefix + id)),
  )
  await runIn(tx, 'delete from device where nid in', gone)
  return rows.map(({ nid, device_id, published }) => ({ nid, deviceId: device_id, wasPublished: Boolean(published) }))
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
  await rawRun(
    tx,
    `update device set last_seen_ts = seen.column2, last_seen_ip = seen.column3, user_agent = seen.column4
     from (${valuesOf(sightings.length, 'bigint', 'bigint', 'text', 'text')}) as seen where device.nid = seen.column1`,
    sightings.flatMap(({ deviceNid, ts, ip, userAgent }) => [deviceNid, ts, ip ?? null, userAgent ?? null]),
  )
}
