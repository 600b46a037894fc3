import { missingParam } from '../../matrix/errors.ts'
import type { Db } from '../../storage/db.ts'
import { lockDevice } from '../../storage/devices.ts'
import * as store from '../../storage/one-time-keys.ts'
import { type Requester, unknownToken } from '../accounts/sessions.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Stream } from '../stream.ts'
import type { DeviceLists } from './device-lists.ts'
import { checkUpload, type KeyUpload, storeUpload } from './key-upload.ts'

interface Deps {
  db: Db
  stream: Stream
  lists: DeviceLists
}

/** What devices publish of their keys (spec: client-server API, Key algorithms and `POST /keys/upload`). */
export class DeviceKeys {
  /** Devices whose one-time or fallback keys became more or fewer. */
  readonly changes: ChangeIndex<number>
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
    this.changes = new ChangeIndex(deps.stream.current)
  }

  /**
   * Stores an upload and returns how many one-time keys of each algorithm there are. Throws `M_BAD_JSON`,
   * `M_INVALID_PARAM`, and `M_UNKNOWN_TOKEN` when the device has ended meanwhile.
   */
  async upload(requester: Requester, upload: KeyUpload): Promise<Record<string, number>> {
    const { db, stream, lists } = this.#deps
    const { deviceId } = requester
    if (deviceId === undefined) throw missingParam('Keys belong to a device: name it in device_id')
    const device = { ...requester, deviceId }
    const checked = checkUpload(device, upload)
    if (checked.identity !== undefined || checked.oneTime.length + checked.fallback.length > 0) {
      await stream.write(async (tx, take) => {
        if (!(await lockDevice(tx, requester.deviceNid))) throw unknownToken(false)
        if (!(await storeUpload(tx, device, checked))) return { value: undefined }
        const announce = await lists.note(tx, take, requester, { deviceIds: [deviceId] })
        return { value: undefined, announce }
      })
    }
    return this.counts(requester.deviceNid, db)
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
