import type { UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { devicesById } from '../../../storage/accounts/devices.ts'
import type { Db } from '../../../storage/db.ts'
import { listDeviceKeys } from '../../../storage/keys/device-keys.ts'
import { findListVersion } from '../../../storage/keys/device-lists.ts'
import { nameNids } from '../../../storage/names.ts'
import type { Owner } from '../../account-data/account-data.ts'
import { crossSigningKeysOf } from '../cross-signing/published.ts'
import { SignaturesOn } from '../cross-signing/signatures-on.ts'

/** A device that has keys, as other servers get it. */
export interface PublishedDevice extends JsonObject {
  device_id: string
  keys: JsonObject
  device_display_name?: string
}

/** A user's keys as other servers see them. */
export interface Published extends JsonObject {
  devices: PublishedDevice[]
  master_key?: JsonObject
  self_signing_key?: JsonObject
}

/** What other servers may see of the devices and keys of our users. */
export class PublishedKeys {
  readonly #db: Db
  readonly #showsNames: boolean

  /** `showsNames`: whether others see what users call their devices. */
  constructor(db: Db, showsNames: boolean) {
    this.#db = db
    this.#showsNames = showsNames
  }

  /** For `GET /user/devices/{userId}`: all of the user's devices with keys, and which version of the list that is. */
  async devices(userId: UserId): Promise<Published & { user_id: string; stream_id: number }> {
    const userNid = (await nameNids(this.#db, [userId])).get(userId)
    if (userNid === undefined) return { user_id: userId, stream_id: 0, devices: [] }
    // Read first: a change in between makes the list newer than it says, which the update of that change repairs.
    const streamId = await findListVersion(this.#db, userNid)
    return { user_id: userId, stream_id: streamId, ...(await this.of(this.#db, { userId, userNid })) }
  }

  /** The user's devices and keys; in a transaction as they are in it. */
  async of(db: Db, { userId, userNid }: Owner): Promise<Published> {
    const signatures = await SignaturesOn.read(db, [userNid], undefined)
    const devices = (await listDeviceKeys(db, [userNid])).map((row): PublishedDevice => {
      const keys = signatures.addTo(JSON.parse(row.json), userNid, row.device_id)
      return { device_id: row.device_id, keys, ...this.#name(row.display_name) }
    })
    const keys = await crossSigningKeysOf(db, new Map([[userNid, userId]]), undefined, signatures)
    const [master_key, self_signing_key] = [keys.master_keys[userId], keys.self_signing_keys[userId]]
    return { devices, ...(master_key && { master_key }), ...(self_signing_key && { self_signing_key }) }
  }

  /** Those of a user's devices, with or without keys, that there are: without their keys. */
  async existing(db: Db, { userNid }: Owner, deviceIds: readonly string[]): Promise<Omit<PublishedDevice, 'keys'>[]> {
    const found = await devicesById(db, userNid, deviceIds)
    return found.map(({ deviceId, displayName }) => ({ device_id: deviceId, ...this.#name(displayName ?? null) }))
  }

  #name(displayName: string | null): { device_display_name?: string } {
    return this.#showsNames && displayName !== null ? { device_display_name: displayName } : {}
  }
}
