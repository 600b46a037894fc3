import { missingParam } from '../../matrix/errors.ts'
import { lockDevice } from '../../storage/accounts/devices.ts'
import type { Db } from '../../storage/db.ts'
import { type Requester, unknownToken } from '../accounts/sessions/sessions.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Stream } from '../stream.ts'
import type { DeviceLists } from './device-lists.ts'
import { checkUpload, type KeyUpload, storeUpload } from './key-upload.ts'
import { KeysLeft, type LeftKeys } from './keys-left.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly lists: DeviceLists
}

/** What devices publish of their keys (spec: client-server API, Key algorithms and `POST /keys/upload`). */
export class DeviceKeys {
  readonly left: KeysLeft
  /** Devices of which somebody was given a key. */
  readonly #changes: ChangeIndex<number>
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
    this.left = new KeysLeft(deps.db)
    this.#changes = new ChangeIndex(deps.stream.current)
  }

  /**
   * Stores an upload and returns how many one-time keys of each algorithm there are. Throws `M_BAD_JSON`,
   * `M_INVALID_PARAM`, and `M_UNKNOWN_TOKEN` when the device has ended meanwhile.
   */
  async upload(requester: Requester, upload: KeyUpload): Promise<LeftKeys['counts']> {
    const { stream, lists } = this.#deps
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
      this.left.forget(requester.deviceNid)
    }
    return (await this.left.of(requester.deviceNid)).counts
  }

  /** After the commit, at this position: somebody was given a key of the device. */
  noteClaimed(deviceNid: number, pos: number): void {
    this.left.forget(deviceNid)
    this.#changes.note(deviceNid, pos)
  }

  /** Whether somebody was certainly given a key of the device after this position. */
  haveChanged(deviceNid: number, after: number): boolean {
    return this.#changes.covers(after) && this.#changes.mayHaveChanged(deviceNid, after)
  }
}
