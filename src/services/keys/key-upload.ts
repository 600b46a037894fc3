import { canonicalJson } from '../../matrix/canonical-json.ts'
import { badJson, invalidParam } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { signedText } from '../../matrix/sign-json.ts'
import type { Db, Tx } from '../../storage/db.ts'
import { deleteSignaturesOn } from '../../storage/keys/cross-signing.ts'
import { findDeviceKey, upsertDeviceKey } from '../../storage/keys/device-keys.ts'
import * as store from '../../storage/keys/one-time-keys.ts'

/** What a device publishes, as it is sent. */
export interface KeyUpload {
  readonly deviceKeys: JsonObject | undefined
  readonly oneTimeKeys: JsonObject
  readonly fallbackKeys: JsonObject
}

/** The same, of the right form and size, as it is stored. */
export interface CheckedUpload {
  readonly identity: string | undefined
  readonly oneTime: readonly store.KeyRow[]
  readonly fallback: readonly store.KeyRow[]
}

interface NamedDevice {
  readonly userId: UserId
  readonly deviceId: string
}

/** Of a device, of all algorithms together: far more than clients keep on the server (50 or 100). */
const MAX_ONE_TIME_KEYS = 1_000
/** Of a device: one for each algorithm, of which clients have one. */
const MAX_FALLBACK_KEYS = 10
const MAX_KEY_BYTES = 16 * 1024

/** Reads what the device publishes. Throws `M_BAD_JSON` and `M_INVALID_PARAM`. */
export function checkUpload(device: NamedDevice, { deviceKeys, oneTimeKeys, fallbackKeys }: KeyUpload): CheckedUpload {
  const oneTime = rowsOf(oneTimeKeys, MAX_ONE_TIME_KEYS)
  const fallback = rowsOf(fallbackKeys, MAX_FALLBACK_KEYS)
  if (new Set(fallback.map(({ algorithm }) => algorithm)).size < fallback.length) {
    throw invalidParam('There is one fallback key for each algorithm')
  }
  return { identity: deviceKeys && identityText(device, deviceKeys), oneTime, fallback }
}

/** Stores it; returns whether others have to look at the device again. Throws `M_INVALID_PARAM`. */
export async function storeUpload(
  tx: Tx,
  { userNid, deviceNid, deviceId }: { userNid: number; deviceNid: number; deviceId: string },
  { identity, oneTime, fallback }: CheckedUpload,
): Promise<boolean> {
  const before = identity === undefined ? undefined : await findDeviceKey(tx, deviceNid)
  const isNew = identity !== undefined && (await upsertDeviceKey(tx, userNid, deviceNid, identity))
  if (isNew && !isSameKey(before, identity)) await deleteSignaturesOn(tx, userNid, [deviceId])
  await store.insertOneTimeKeys(tx, deviceNid, await unknown(tx, deviceNid, oneTime))
  await store.upsertFallbackKeys(tx, deviceNid, fallback)
  const counts = await store.countOneTimeKeys(tx, deviceNid)
  const count = counts.reduce((sum, ofAlgorithm) => sum + ofAlgorithm.count, 0)
  if (count > MAX_ONE_TIME_KEYS) throw invalidParam('There are too many one-time keys')
  if ((await store.countFallbackKeys(tx, deviceNid)) > MAX_FALLBACK_KEYS) {
    throw invalidParam('There are too many fallback keys')
  }
  return isNew
}

/** Whether the signatures on the one are good for the other. */
const isSameKey = (before: string | undefined, after: string): boolean =>
  before !== undefined && signedText(JSON.parse(before)) === signedText(JSON.parse(after))

/** The keys among `rows` that are not stored yet. Throws when one is, with other content (spec: key ids are unique). */
async function unknown(db: Db, deviceNid: number, rows: readonly store.KeyRow[]): Promise<store.KeyRow[]> {
  const known = new Map<string, string>()
  const found = await store.findOneTimeKeys(
    db,
    deviceNid,
    rows.map((row) => row.key_id),
  )
  for (const { algorithm, key_id, json } of found) known.set(`${algorithm}:${key_id}`, json)
  return rows.filter(({ algorithm, key_id, json }) => {
    const before = known.get(`${algorithm}:${key_id}`)
    if (before !== undefined && before !== json)
      throw invalidParam(`The key ${algorithm}:${key_id} exists, and is another`)
    return before === undefined
  })
}

/** `{ 'algorithm:id': key }` as rows. */
function rowsOf(keys: JsonObject, max: number): store.KeyRow[] {
  const entries = Object.entries(keys)
  if (entries.length > max) throw invalidParam('These are too many keys')
  return entries.map(([name, key]) => {
    const colon = name.indexOf(':')
    if (colon < 1 || colon === name.length - 1 || name.length > 255) throw invalidParam(`${name} is no key id`)
    if (typeof key !== 'string' && !isObject(key)) throw invalidParam(`${name} is no key`)
    const json = canonicalJson(key)
    if (Buffer.byteLength(json) > MAX_KEY_BYTES) throw invalidParam(`The key ${name} is too large`)
    return { algorithm: name.slice(0, colon), key_id: name.slice(colon + 1), json }
  })
}

function identityText({ userId, deviceId }: NamedDevice, keys: JsonObject): string {
  if (keys.user_id !== userId || keys.device_id !== deviceId) throw invalidParam('These are the keys of another device')
  if (!Array.isArray(keys.algorithms) || !isObject(keys.keys) || !isObject(keys.signatures)) {
    throw badJson('Device keys have algorithms, keys and signatures')
  }
  const { unsigned: _, ...identity } = keys
  const json = canonicalJson(identity)
  if (Buffer.byteLength(json) > MAX_KEY_BYTES) throw invalidParam('The device keys are too large')
  return json
}
