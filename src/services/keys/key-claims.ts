import type { UserId } from '../../matrix/ids.ts'
import type { Json, JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { findDevicesOf } from '../../storage/keys/device-keys.ts'
import { takeOneTimeKeys, useFallbackKeys, type Wish } from '../../storage/keys/one-time-keys.ts'
import { nameNids } from '../../storage/names.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'
import type { DeviceKeys } from './device-keys.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly hub: Hub
  readonly deviceKeys: DeviceKeys
}

/** Of which device a key is wanted. */
export interface Claim {
  readonly userId: UserId
  readonly deviceId: string
  readonly algorithm: string
}

/** Giving out one-time keys (spec: `POST /keys/claim`). */
export class KeyClaims {
  readonly #deps: Deps
  readonly #listeners: ((userId: UserId, deviceNid: number) => void)[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Told after the commit that a key of this device was given out. */
  onClaimed(listener: (userId: UserId, deviceNid: number) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * One key for each claim that can be met, as `{ userId: { deviceId: { 'algorithm:id': key } } }`: the oldest one-time
   * key, which nobody else gets, or the fallback key.
   */
  async claim(claims: readonly Claim[]): Promise<JsonObject> {
    const { db, stream, hub, deviceKeys } = this.#deps
    const nids = await nameNids(db, new Set(claims.map(({ userId }) => userId)))
    const devices = await findDevicesOf(db, [...nids.values()], new Set(claims.map(({ deviceId }) => deviceId)))
    const deviceNids = new Map(devices.map(({ user_nid, device_id, nid }) => [`${user_nid} ${device_id}`, nid]))
    const owners = new Map<number, Claim>()
    const wishes = claims.flatMap((claim): Wish[] => {
      const deviceNid = deviceNids.get(`${nids.get(claim.userId)} ${claim.deviceId}`)
      if (deviceNid === undefined) return []
      owners.set(deviceNid, claim)
      return [{ deviceNid, algorithm: claim.algorithm }]
    })
    if (wishes.length === 0) return {}
    const taken = await stream.write(async (tx, take) => {
      const oneTime = await takeOneTimeKeys(tx, wishes)
      const met = new Set(oneTime.map(({ device_nid }) => device_nid))
      const unmet = wishes.filter(({ deviceNid }) => !met.has(deviceNid))
      const rows = [...oneTime, ...(await useFallbackKeys(tx, unmet))]
      if (rows.length === 0) return { value: rows }
      const { pos } = await take(1)
      const announce = () => {
        for (const { device_nid } of rows) {
          deviceKeys.noteClaimed(device_nid, pos)
          const owner = owners.get(device_nid)
          for (const listener of this.#listeners) if (owner) listener(owner.userId, device_nid)
        }
        hub.publish(new Set(rows.flatMap(({ device_nid }) => owners.get(device_nid)?.userId ?? [])), pos)
      }
      return { value: rows, announce }
    })
    const answer = new Map<string, Map<string, JsonObject>>()
    for (const { device_nid, algorithm, key_id, json } of taken) {
      const owner = owners.get(device_nid)
      if (!owner) continue
      const ofUser = answer.get(owner.userId) ?? new Map<string, JsonObject>()
      ofUser.set(owner.deviceId, { [`${algorithm}:${key_id}`]: JSON.parse(json) as Json })
      answer.set(owner.userId, ofUser)
    }
    return Object.fromEntries([...answer].map(([userId, ofUser]) => [userId, Object.fromEntries(ofUser)]))
  }
}
