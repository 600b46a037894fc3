import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { listDeviceKeys } from '../../storage/keys/device-keys.ts'
import { listRemoteDevices } from '../../storage/keys/remote-lists.ts'
import { nameNids } from '../../storage/names.ts'
import { type CrossSigningAnswer, crossSigningKeysOf } from './cross-signing/published.ts'
import { SignaturesOn } from './cross-signing/signatures-on.ts'
import type { RemoteUser } from './remote/remote-user.ts'

/** What a client asked of the keys of others, as `/keys/query` answers it. */
export interface KeyAnswer extends CrossSigningAnswer {
  device_keys: Record<string, Record<string, JsonObject>>
}

/**
 * The published keys of users, with the signatures that the viewer may see.
 * @param viewerNid undefined for another server
 * @param wanted the devices of each user; none named means all
 */
export async function queryKeys(
  db: Db,
  viewerNid: number | undefined,
  wanted: ReadonlyMap<UserId, readonly string[]>,
): Promise<KeyAnswer> {
  const nids = await nameNids(db, wanted.keys())
  const users = new Map([...nids].map(([userId, nid]) => [nid, userId]))
  const userNids = [...users.keys()]
  const signatures = await SignaturesOn.read(db, userNids, viewerNid)
  const deviceKeys: KeyAnswer['device_keys'] = Object.fromEntries([...wanted.keys()].map((userId) => [userId, {}]))
  for (const row of [...(await listDeviceKeys(db, userNids)), ...(await listRemoteDevices(db, userNids))]) {
    const userId = users.get(row.user_nid)
    const devices = userId && deviceKeys[userId]
    if (!devices || !isWanted(row.device_id, wanted.get(userId))) continue
    const keys = signatures.addTo(JSON.parse(row.json), row.user_nid, row.device_id)
    devices[row.device_id] = { ...keys, unsigned: unsignedOf(row.display_name) }
  }
  return { device_keys: deviceKeys, ...(await crossSigningKeysOf(db, users, viewerNid, signatures)) }
}

/** Adds what another server says of its user. */
export function addRemoteUser(answer: KeyAnswer, userId: UserId, user: RemoteUser, named: readonly string[]): void {
  const devices = user.devices.filter(({ deviceId }) => isWanted(deviceId, named))
  answer.device_keys[userId] = Object.fromEntries(
    devices.map(({ deviceId, displayName, json }) => [
      deviceId,
      { ...(JSON.parse(json) as JsonObject), unsigned: unsignedOf(displayName) },
    ]),
  )
  for (const { usage, object } of user.crossSigning) answer[`${usage}_keys`][userId] = object
}

const isWanted = (deviceId: string, named: readonly string[] = []): boolean =>
  named.length === 0 || named.includes(deviceId)

const unsignedOf = (displayName: string | null): JsonObject =>
  displayName === null ? {} : { device_display_name: displayName }
