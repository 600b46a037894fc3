import { forbidden, invalidParam, missingParam, notFound, tooLarge } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { lockAccount } from '../../storage/accounts/accounts.ts'
import { deleteDevices, devicesById, upsertDevice } from '../../storage/accounts/devices.ts'
import type { Db } from '../../storage/db.ts'
import { hasCrossSigningKey } from '../../storage/keys/cross-signing.ts'
import * as store from '../../storage/keys/dehydrated-devices.ts'
import type { Owner } from '../account-data/account-data.ts'
import { endDevices } from '../accounts/ended-devices.ts'
import type { Stream } from '../stream.ts'
import type { DeviceLists } from './device-lists.ts'
import { checkUpload, type KeyUpload, storeUpload } from './key-upload.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly lists: DeviceLists
}

/** A device as its user leaves it behind. `data`: its secrets, which the server cannot read. */
export interface NewDehydratedDevice extends KeyUpload {
  readonly deviceId: string
  readonly displayName: string | undefined
  readonly data: JsonObject
}

/** A page of messages to the device, as JSON texts. `next`: the token for the next one, until there is none. */
export interface WaitingMessages {
  readonly events: readonly string[]
  readonly next: string | undefined
}

/** A device with its secrets takes 10 KiB. */
const MAX_DATA_BYTES = 256 * 1024

/**
 * Devices that receive room keys while their user is logged in nowhere (MSC3814): one for each user, with keys like
 * every other, but without a login. The next client of the user takes its messages over and leaves a new one.
 */
export class DehydratedDevices {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Takes the place of the one before, which ends. Throws `M_FORBIDDEN` for the name of a device that is logged in. */
  async put(owner: Owner, device: NewDehydratedDevice): Promise<void> {
    const { stream, lists } = this.#deps
    const { userNid } = owner
    const { deviceId, displayName } = device
    const upload = checkUpload({ userId: owner.userId, deviceId }, device)
    if (upload.identity === undefined) throw missingParam('A dehydrated device comes with its device_keys')
    const data = JSON.stringify(device.data)
    if (Buffer.byteLength(data) > MAX_DATA_BYTES) throw tooLarge('The device_data is larger than 256 KiB')
    await stream.write(async (tx, take) => {
      await lockAccount(tx, userNid)
      const before = await store.findDehydratedDevice(tx, userNid)
      if (before) await deleteDevices(tx, userNid, { nids: [before.nid] })
      const isTaken = (await devicesById(tx, userNid, [deviceId])).length > 0
      if (isTaken || (await hasCrossSigningKey(tx, userNid, deviceId))) {
        throw forbidden('Another device or key is called like this')
      }
      const nid = await upsertDevice(tx, { userNid, deviceId, displayName })
      await storeUpload(tx, { userNid, deviceNid: nid, deviceId }, upload)
      await store.insertDehydratedDevice(tx, userNid, { nid, data })
      const deviceIds = [...new Set([...(before ? [before.deviceId] : []), deviceId])]
      const announce = await lists.note(tx, take, owner, { deviceIds })
      return { value: undefined, announce }
    })
  }

  /** Throws `M_NOT_FOUND`. */
  async get({ userNid }: Owner): Promise<store.DehydratedDevice> {
    const device = await store.findDehydratedDevice(this.#deps.db, userNid)
    if (!device) throw notFound('There is no dehydrated device')
    return device
  }

  /** Returns its id. Throws `M_NOT_FOUND`. */
  async delete(owner: Owner): Promise<string> {
    const { stream, lists } = this.#deps
    const { nid, deviceId } = await this.get(owner)
    await stream.write((tx, take) => endDevices(lists, tx, take, owner, { nids: [nid] }))
    return deviceId
  }

  /**
   * What waits for the device behind `from`. The messages stay until the device ends, so that a client that is cut off
   * can begin anew. Throws `M_FORBIDDEN` for another device.
   */
  async messages(owner: Owner, deviceId: string, from: string | undefined, limit: number): Promise<WaitingMessages> {
    const { db, stream } = this.#deps
    const device = await store.findDehydratedDevice(db, owner.userNid)
    if (device?.deviceId !== deviceId) throw forbidden('This is not your dehydrated device')
    const rows = await store.listWaiting(db, device.nid, positionOf(from), stream.current, limit)
    const last = rows.at(-1)
    return { events: rows.map(({ json }) => json), next: last && `d${last.pos}` }
  }
}

function positionOf(from: string | undefined): number {
  if (from === undefined) return 0
  if (!/^d\d{1,15}$/.test(from)) throw invalidParam('This is no token for the messages of a dehydrated device')
  return Number(from.slice(1))
}
