import { canonicalJson } from '../../matrix/canonical-json.ts'
import { badJson, invalidParam, missingParam } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { signedText } from '../../matrix/sign-json.ts'
import { deleteSignaturesOn } from '../../storage/cross-signing.ts'
import type { Db } from '../../storage/db.ts'
import { findDeviceKey, upsertDeviceKey } from '../../storage/device-keys.ts'
import { lockDevice } from '../../storage/devices.ts'
import * as store from '../../storage/one-time-keys.ts'
import { type Requester, unknownToken } from '../accounts/sessions.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Stream } from '../stream.ts'
import type { DeviceLists } from './device-lists.ts'

interface Deps {
  db: Db
  stream: Stream
  lists: DeviceLists
}

export interface Upload {
  readonly deviceKeys: JsonObject | undefined
  readonly oneTimeKeys: JsonObject
  readonly fallbackKeys: JsonObject
}

/** Far more than clients keep on the server (50 or 100). */
const MAX_ONE_TIME_KEYS = 1_000
const MAX_FALLBACK_KEYS = 10
const MAX_KEY_BYTES = 16 * 1024

/** What devices publish of their keys (spec: client-server API, Key algorithms and `POST /keys/upload`). */
export class DeviceKeys {
  /** Devices whose one-time or fallback keys became more or fewer. */
  readonly changes: ChangeIndex<number>
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
    this.changes = new ChangeIndex(deps.stream.current)
  }

  /** Stores an upload and returns how many one-time keys of each algorithm there are. Throws `M_INVALID_PARAM`. */
  async upload(requester: Requester, { deviceKeys, oneTimeKeys, fallbackKeys }: Upload) {
    const { db, stream, lists } = this.#deps
    const { userNid, deviceNid, deviceId } = requester
    if (deviceId === undefined) throw missingParam('Keys belong to a device: name it in device_id')
    const oneTime = rowsOf(oneTimeKeys, MAX_ONE_TIME_KEYS)
    const fallback = rowsOf(fallbackKeys, MAX_FALLBACK_KEYS)
    if (new Set(fallback.map(({ algorithm }) => algorithm)).size < fallback.length) {
      throw invalidParam('There is one fallback key for each algorithm')
    }
    const identity = deviceKeys && identityText(requester, deviceKeys)
    if (identity !== undefined || oneTime.length + fallback.length > 0) {
      await stream.write(async (tx, take) => {
        let announce = () => {}
        // The device may have been logged out meanwhile, and nothing of it may come back.
        if (!(await lockDevice(tx, deviceNid))) throw unknownToken(false)
        const before = identity === undefined ? undefined : await findDeviceKey(tx, deviceNid)
        if (identity !== undefined && (await upsertDeviceKey(tx, userNid, deviceNid, identity))) {
          if (!isSameKey(before, identity)) await deleteSignaturesOn(tx, userNid, [deviceId])
          announce = await lists.note(tx, take, requester, { deviceIds: [deviceId] })
        }
        await store.insertOneTimeKeys(tx, deviceNid, await unknown(tx, deviceNid, oneTime))
        await store.upsertFallbackKeys(tx, deviceNid, fallback)
        const counts = await store.countOneTimeKeys(tx, deviceNid)
        if (counts.some(({ count }) => count > MAX_ONE_TIME_KEYS))
          throw invalidParam('There are too many one-time keys')
        return { value: undefined, announce }
      })
    }
    return this.counts(deviceNid, db)
  }

  /** How many one-time keys of each algorithm the device has left. */
  async counts(deviceNid: number, db: Db = this.#deps.db): Promise<Record<string, number>> {
    const rows = await store.countOneTimeKeys(db, deviceNid)
    // The algorithm that clients use is always named: some take a missing count for "unchanged".
    return Object.fromEntries([['signed_curve25519', 0], ...rows.map(({ algorithm, count }) => [algorithm, count])])
  }

  /** Whether somebody was certainly given a key of the device, or it published some, after this position. */
  haveChanged(deviceNid: number, after: number): boolean {
    return this.changes.covers(after) && this.changes.mayHaveChanged(deviceNid, after)
  }

  /** The algorithms of which the device has a fallback key that nobody was given. */
  async unusedFallbacks(deviceNid: number): Promise<string[]> {
    return (await store.listUnusedFallbacks(this.#deps.db, deviceNid)).map(({ algorithm }) => algorithm)
  }
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

function identityText({ userId, deviceId }: Requester, keys: JsonObject): string {
  if (keys.user_id !== userId || keys.device_id !== deviceId) throw invalidParam('These are the keys of another device')
  if (!Array.isArray(keys.algorithms) || !isObject(keys.keys) || !isObject(keys.signatures)) {
    throw badJson('Device keys have algorithms, keys and signatures')
  }
  const { unsigned: _, ...identity } = keys
  const json = canonicalJson(identity)
  if (Buffer.byteLength(json) > MAX_KEY_BYTES) throw invalidParam('The device keys are too large')
  return json
}
