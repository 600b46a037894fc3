import { canonicalJson } from '../../../matrix/canonical-json.ts'
import type { Tx } from '../../../storage/db.ts'
import { listCrossSigningKeys, upsertCrossSigningKeys } from '../../../storage/keys/cross-signing.ts'
import * as store from '../../../storage/keys/remote-lists.ts'
import type { CrossSigningKey } from '../cross-signing/key.ts'
import type { RemoteDevice, RemoteUser } from './remote-user.ts'

/** Puts what a server says of users in the place of what was known. Returns those of whom it says something else. */
export async function replaceContents(
  tx: Tx,
  users: readonly { readonly userNid: number; readonly user: RemoteUser }[],
): Promise<Set<number>> {
  const nids = users.map(({ userNid }) => userNid)
  const before = new Map((await store.listRemoteDevices(tx, nids)).map((row) => [placeOf(row), row]))
  const now = users.flatMap(({ userNid, user }) => user.devices.map((device) => rowOf(userNid, device)))
  const there = new Set(now.map(placeOf))
  const gone = [...before.values()].filter((row) => !there.has(placeOf(row)))
  const fresh = now.filter((row) => !isSame(row, before.get(placeOf(row))))
  await store.deleteRemoteDevices(tx, gone)
  await store.upsertRemoteDevices(tx, fresh)
  const rekeyed = await replaceKeys(
    tx,
    users.map(({ userNid, user }) => ({ userNid, keys: user.crossSigning })),
  )
  return new Set([...[...gone, ...fresh].map(({ user_nid }) => user_nid), ...rekeyed])
}

/** Sets cross-signing keys; one that is not given stays as it is. Returns the users of whom any is new or another. */
export async function replaceKeys(
  tx: Tx,
  users: readonly { readonly userNid: number; readonly keys: readonly CrossSigningKey[] }[],
): Promise<Set<number>> {
  const before = await listCrossSigningKeys(
    tx,
    users.map(({ userNid }) => userNid),
  )
  const known = new Set(before.map(({ user_nid, json }) => `${user_nid} ${json}`))
  const rows = users.flatMap(({ userNid, keys }) =>
    keys.map(({ usage, publicKey, object: { unsigned: _, ...key } }) => ({
      user_nid: userNid,
      usage,
      public_key: publicKey,
      json: canonicalJson(key),
    })),
  )
  const fresh = rows.filter(({ user_nid, json }) => !known.has(`${user_nid} ${json}`))
  await upsertCrossSigningKeys(tx, fresh)
  return new Set(fresh.map(({ user_nid }) => user_nid))
}

/** Sets or deletes one device; true if that changes anything. */
export async function replaceDevice(
  tx: Tx,
  userNid: number,
  deviceId: string,
  device: RemoteDevice | undefined,
): Promise<boolean> {
  const before = (await store.listRemoteDevices(tx, [userNid])).find((row) => row.device_id === deviceId)
  if (!device) {
    if (before) await store.deleteRemoteDevices(tx, [before])
    return before !== undefined
  }
  const row = rowOf(userNid, device)
  if (isSame(row, before)) return false
  await store.upsertRemoteDevices(tx, [row])
  return true
}

const rowOf = (userNid: number, { deviceId, displayName, json }: RemoteDevice): store.RemoteDeviceRow => ({
  user_nid: userNid,
  device_id: deviceId,
  display_name: displayName,
  json,
})

const placeOf = (row: store.RemoteDeviceRow): string => `${row.user_nid} ${row.device_id}`

const isSame = (row: store.RemoteDeviceRow, before: store.RemoteDeviceRow | undefined): boolean =>
  before !== undefined && row.json === before.json && row.display_name === before.display_name
