import type { UserId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import * as crossSigning from '../../storage/cross-signing.ts'
import type { Db } from '../../storage/db.ts'
import { listDeviceKeys } from '../../storage/device-keys.ts'
import { nameNids } from '../../storage/names.ts'

/** What a client asked of the keys of others, as `/keys/query` answers it. */
export interface KeyAnswer {
  device_keys: Record<string, Record<string, JsonObject>>
  master_keys: Record<string, JsonObject>
  self_signing_keys: Record<string, JsonObject>
  user_signing_keys: Record<string, JsonObject>
}

/**
 * The published keys of users, with the signatures that the asker may see: those of the keys' owner and the asker's own
 * (spec: Cross-signing; whom somebody has verified is nobody else's business).
 * @param wanted the devices of each user; none named means all
 */
export async function queryKeys(
  db: Db,
  asker: { readonly userId: UserId; readonly userNid: number },
  wanted: ReadonlyMap<UserId, readonly string[]>,
): Promise<KeyAnswer> {
  const nids = await nameNids(db, wanted.keys())
  const users = new Map([...nids].map(([userId, nid]) => [nid, userId as UserId]))
  const userNids = [...nids.values()]
  const signatures = new Map<string, JsonObject>()
  for (const row of await crossSigning.listSignatures(db, userNids, asker.userNid)) {
    const place = `${row.user_nid} ${row.target}`
    const bySigner = signatures.get(place) ?? {}
    const before = bySigner[row.signer]
    bySigner[row.signer] = { ...(isObject(before) && before), [row.key_id]: row.signature }
    signatures.set(place, bySigner)
  }
  const answer: KeyAnswer = {
    device_keys: Object.fromEntries([...wanted.keys()].map((userId) => [userId, {}])),
    master_keys: {},
    self_signing_keys: {},
    user_signing_keys: {},
  }
  for (const row of await listDeviceKeys(db, userNids)) {
    const userId = users.get(row.user_nid)
    const devices = userId && answer.device_keys[userId]
    const named = userId ? (wanted.get(userId) ?? []) : []
    if (!devices || (named.length > 0 && !named.includes(row.device_id))) continue
    const keys = withSignatures(JSON.parse(row.json) as JsonObject, signatures.get(`${row.user_nid} ${row.device_id}`))
    const unsigned = row.display_name === null ? {} : { device_display_name: row.display_name }
    devices[row.device_id] = { ...keys, unsigned }
  }
  for (const { user_nid, usage, json } of await crossSigning.listCrossSigningKeys(db, userNids)) {
    const userId = users.get(user_nid)
    if (!userId || (usage === 'user_signing' && userId !== asker.userId)) continue
    const key = JSON.parse(json) as JsonObject
    answer[`${usage}_keys`][userId] = withSignatures(
      key,
      signatures.get(`${user_nid} ${crossSigning.publicKeyOf(key)}`),
    )
  }
  return answer
}

function withSignatures(keys: JsonObject, more: JsonObject | undefined): JsonObject {
  if (!more) return keys
  const signatures: JsonObject = isObject(keys.signatures) ? { ...keys.signatures } : {}
  for (const [signer, byKey] of Object.entries(more)) {
    const before = signatures[signer]
    signatures[signer] = { ...(isObject(before) && before), ...(isObject(byKey) && byKey) }
  }
  return { ...keys, signatures }
}
