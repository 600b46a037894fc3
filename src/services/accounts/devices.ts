import { hash } from 'node:crypto'
import { notFound } from '../../matrix/errors.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type Db, transact } from '../../storage/db.ts'
import * as devices from '../../storage/devices.ts'
import type { Requester, Sessions } from './sessions.ts'
import type { Uia } from './uia.ts'

export type { Device } from '../../storage/devices.ts'

interface Deps {
  readonly db: Db
  readonly sessions: Sessions
  readonly uia: Uia
}

type User = Pick<Requester, 'userNid'>

/** A user's devices (spec: client-server API, Device management), and logging them out. */
export class Devices {
  readonly #deps: Deps

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

  /** Throws `M_NOT_FOUND`. */
  async rename({ userNid }: User, deviceId: string, displayName: string): Promise<void> {
    const isRenamed = await transact(this.#deps.db, (tx) =>
      devices.updateDisplayName(tx, userNid, deviceId, displayName),
    )
    if (!isRenamed) throw unknownDevice()
  }

  /** Deletes devices once the user has confirmed it; those that do not exist are as good as deleted. */
  async delete(requester: Requester, deviceIds: readonly string[], auth: JsonObject | undefined): Promise<void> {
    const { db, uia } = this.#deps
    const named = [...new Set(deviceIds)].toSorted()
    const operation = `client.deleteDevices ${hash('sha256', JSON.stringify(named), 'base64url')}`
    await uia.authenticate({ operation, requester, auth, flows: [['m.login.password']] })
    const known = await devices.devicesById(db, requester.userNid, named)
    await this.#end(
      requester.userNid,
      known.map((device) => device.nid),
    )
  }

  /** Ends the login of the device that asks. */
  logout({ userNid, deviceNid }: Requester): Promise<void> {
    return this.#end(userNid, [deviceNid])
  }

  async logoutAll({ userNid }: User): Promise<void> {
    await transact(this.#deps.db, (tx) => devices.deleteDevicesExcept(tx, userNid, undefined))
    this.#deps.sessions.forgetUser(userNid)
  }

  async #end(userNid: number, deviceNids: readonly number[]): Promise<void> {
    const { db, sessions } = this.#deps
    await transact(db, (tx) => devices.deleteDevices(tx, userNid, deviceNids))
    sessions.forgetDevices(userNid, deviceNids)
  }

  /** What the database does not know yet of when the device was last seen. */
  #withSighting(device: devices.Device): devices.Device {
    const sighting = this.#deps.sessions.lastSeen(device.nid)
    return sighting ? { ...device, lastSeenTs: sighting.ts, lastSeenIp: sighting.ip } : device
  }
}

const unknownDevice = () => notFound('There is no such device')
