import { hash } from 'node:crypto'
import { notFound } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'
import * as devices from '../../storage/accounts/devices.ts'
import { type Db, transact } from '../../storage/db.ts'
import { pages } from '../../util/pages.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { DeviceLists } from '../keys/device-lists.ts'
import type { Stream } from '../stream.ts'
import { endDevices } from './ended-devices.ts'
import type { Requester, Sessions } from './sessions/sessions.ts'
import type { Uia } from './uia/uia.ts'

export type { Device } from '../../storage/accounts/devices.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly lists: DeviceLists
  readonly sessions: Sessions
  readonly uia: Uia
}

/** Of one user: other servers believe no more, and a message for all of them is stored for each. */
const MAX_DEVICES = 1_000
/** Devices that one transaction ends. */
const ENDED_AT_ONCE = 200
const LOOKED_AT_ONCE = 100

type User = Pick<Requester, 'userNid'>

/** A user's devices (spec: client-server API, Device management), and logging them out. */
export class Devices {
  readonly #deps: Deps
  /** The newest device of those that were there when it was last looked whether somebody has too many. */
  #lookedUpTo = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async list({ userNid }: User): Promise<devices.Device[]> {
    const found = await devices.listDevices(this.#deps.db, userNid)
    return found.map((device) => this.#withSighting(device))
  }

  /** Throws `M_NOT_FOUND`. */
  async get({ userNid }: User, deviceId: string): Promise<devices.Device> {
    const device = await devices.findDevice(this.#deps.db, userNid, deviceId)
    if (!device) throw unknownDevice()
    return this.#withSighting(device)
  }

  /** Names a device for people; other servers hear of it, whether it has keys or not. Throws `M_NOT_FOUND`. */
  async rename(owner: Owner, deviceId: string, displayName: string): Promise<void> {
    const { stream, lists } = this.#deps
    await stream.write(async (tx, take) => {
      const nid = await devices.updateDisplayName(tx, owner.userNid, deviceId, displayName)
      if (nid === undefined) throw unknownDevice()
      const announce = await lists.note(tx, take, owner, { deviceIds: [deviceId] })
      return { value: undefined, announce }
    })
  }

  /** Makes a device for a user of an application service, or names it; whether it is new (spec: Creating devices). */
  async create(owner: Owner, deviceId: string, displayName: string | undefined): Promise<boolean> {
    const { db } = this.#deps
    const { userNid } = owner
    if (await devices.findDevice(db, userNid, deviceId)) {
      if (displayName !== undefined) await this.rename(owner, deviceId, displayName)
      return false
    }
    await transact(db, (tx) => devices.upsertDevice(tx, { userNid, deviceId, displayName }))
    return true
  }

  /** Deletes devices once the user has confirmed it; those that do not exist are as good as deleted. */
  async delete(requester: Requester, deviceIds: readonly string[], auth: JsonObject | undefined): Promise<void> {
    const { db, uia } = this.#deps
    const named = [...new Set(deviceIds)].toSorted()
    const operation = `client.deleteDevices ${hash('sha256', JSON.stringify(named), 'base64url')}`
    await uia.authenticate({ operation, requester, auth, flows: [['m.login.password']] })
    const known = await devices.devicesById(db, requester.userNid, named)
    await this.#end(requester, { nids: known.map((device) => device.nid) })
  }

  /** Ends the login of the device that asks. */
  logout(requester: Requester): Promise<void> {
    return this.#end(requester, { nids: [requester.deviceNid] })
  }

  logoutAll(owner: Owner): Promise<void> {
    return this.#end(owner, { allBut: undefined })
  }

  /**
   * Ends what users have beyond the most devices that they may have: those that were not seen for longest. Only users of
   * devices that were made since it last looked can have too many.
   */
  async endExcess(): Promise<void> {
    const { db } = this.#deps
    const read = () => devices.listDevicesAfter(db, this.#lookedUpTo, LOOKED_AT_ONCE)
    for await (const page of pages(LOOKED_AT_ONCE, read)) {
      await this.#endExcessOf([...new Set(page.map((device) => device.user_nid))])
      this.#lookedUpTo = page.at(-1)?.nid ?? this.#lookedUpTo
    }
  }

  async #endExcessOf(userNids: readonly number[]): Promise<void> {
    const { db } = this.#deps
    for (const owner of await devices.listUsersWithDevices(db, userNids, MAX_DEVICES)) {
      for (let isFull = true; isFull; ) {
        const nids = await devices.listLeastSeen(db, owner.userNid, MAX_DEVICES, ENDED_AT_ONCE)
        if (nids.length > 0) await this.#end(owner, { nids })
        isFull = nids.length === ENDED_AT_ONCE
      }
    }
  }

  async #end(owner: Owner, choice: devices.DeviceChoice): Promise<void> {
    const { stream, lists, sessions } = this.#deps
    const nids = await stream.write((tx, take) => endDevices(lists, tx, take, owner, choice))
    sessions.forgetDevices(owner.userNid, nids)
  }

  /** What the database does not know yet of when the device was last seen. */
  #withSighting(device: devices.Device): devices.Device {
    const sighting = this.#deps.sessions.lastSeen(device.nid)
    return sighting ? { ...device, lastSeenTs: sighting.ts, lastSeenIp: sighting.ip } : device
  }
}

const unknownDevice = () => notFound('There is no such device')
