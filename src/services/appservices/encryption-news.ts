import type { UserId } from '../../matrix/ids.ts'
import { queueChangedUsers, queueMessages } from '../../storage/appservices.ts'
import { afterCommit, type Tx } from '../../storage/db.ts'
import { internName } from '../../storage/names.ts'
import type { DeviceLists } from '../keys/device-lists.ts'
import type { KeyClaims } from '../keys/key-claims.ts'
import type { ToDevice } from '../keys/to-device.ts'
import { type AppService, receivesFor } from './app-service.ts'
import type { AppServices } from './app-services.ts'
import type { PassingNews } from './passing-news.ts'

interface Deps {
  readonly appServices: AppServices
  readonly passing: PassingNews
  wake(service: AppService): void
}

interface Sources {
  deviceLists: DeviceLists
  keyClaims: KeyClaims
  toDevice: ToDevice
}

/**
 * What application services need for encryption (MSC4203, MSC3202): messages to their devices, whose devices changed,
 * how many keys are left. Who shares a room with them no longer, they learn from the events.
 */
export class EncryptionNews {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  listenTo({ deviceLists, keyClaims, toDevice }: Sources): void {
    deviceLists.onListsChange((tx, userNids, seenBy) => this.#onDevices(tx, userNids, seenBy))
    toDevice.onStored((tx, pos, owners) => this.#onMessages(tx, pos, owners))
    keyClaims.onClaimed((userId, deviceNid) => this.#onClaimed(userId, deviceNid))
  }

  async #onDevices(tx: Tx, userNids: readonly number[], seenBy: readonly UserId[]): Promise<void> {
    const told = new Set(seenBy.flatMap((userId) => this.#deps.appServices.ofUser(userId)))
    for (const service of told) {
      if (!service.wantsEncryption || service.url === undefined) continue
      await queueChangedUsers(tx, await internName(tx, service.id), userNids)
      afterCommit(tx, () => this.#deps.wake(service))
    }
  }

  async #onMessages(tx: Tx, pos: number, owners: ReadonlyMap<number, UserId>): Promise<readonly number[]> {
    const devices = new Map<AppService, number[]>()
    const handedOn: number[] = []
    for (const [deviceNid, userId] of owners) {
      for (const service of this.#deps.appServices.ofUser(userId)) {
        if (!service.wantsEphemeral || service.url === undefined) continue
        devices.set(service, [...(devices.get(service) ?? []), deviceNid])
        if (receivesFor(service, userId)) handedOn.push(deviceNid)
      }
    }
    for (const [service, deviceNids] of devices) {
      await queueMessages(tx, await internName(tx, service.id), pos, deviceNids)
      afterCommit(tx, () => this.#deps.wake(service))
    }
    return handedOn
  }

  #onClaimed(userId: UserId, deviceNid: number): void {
    const { appServices, passing, wake } = this.#deps
    for (const service of appServices.ofUser(userId)) {
      if (!service.wantsEncryption || service.url === undefined) continue
      passing.addDevice(service, deviceNid)
      wake(service)
    }
  }
}
