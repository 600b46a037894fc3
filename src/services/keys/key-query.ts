import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { listDeviceKeys } from '../../storage/device-keys.ts'
import { nameNids } from '../../storage/names.ts'
import { type CrossSigningAnswer, crossSigningKeysOf } from './cross-signing/published.ts'
import { SignaturesOn } from './cross-signing/signatures-on.ts'

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
  const users = new Map([...nids].map(([userId, nid]) => [nid, userId as UserId]))
  const userNids = [...users.keys()]
  const signatures = await SignaturesOn.read(db, userNids, viewerNid)
  const deviceKeys: KeyAnswer['device_keys'] = Object.fromEntries([...wanted.keys()].map((userId) => [userId, {}]))
  for (const row of await listDeviceKeys(db, userNids)) {
    const userId = users.get(row.user_nid)
    const devices = userId && deviceKeys[userId]
    const named = userId ? (wanted.get(userId) ?? []) : []
    if (!devices || (named.length > 0 && !named.includes(row.device_id))) continue
    const unsigned = row.display_name === null ? {} : { device_display_name: row.display_name }
    devices[row.device_id] = { ...signatures.addTo(JSON.parse(row.json), row.user_nid, row.device_id), unsigned }
  }
  return { device_keys: deviceKeys, ...(await crossSigningKeysOf(db, users, viewerNid, signatures)) }
}
