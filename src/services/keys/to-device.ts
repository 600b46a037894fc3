import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { transact } from '../../storage/db.ts'
import { findDevicesOf } from '../../storage/device-keys.ts'
import { nameNids } from '../../storage/names.ts'
import * as store from '../../storage/to-device.ts'
import type { Clock } from '../../util/clock.ts'
import type { Requester } from '../accounts/sessions.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'

interface Deps {
  db: Db
  clock: Clock
  stream: Stream
  hub: Hub
}

/** Contents by user and device; the device `*` stands for all of the user's. */
export type Messages = ReadonlyMap<UserId, ReadonlyMap<string, JsonObject>>

/** The newest messages that wait for a device; a device that stays away for years loses the oldest. */
const MAX_WAITING = 10_000
/** Looking whether that is too many costs as much as counting them, so it is done now and then. */
const TRIM_EVERY = 100

/** Messages from device to device (spec: Send-to-Device messaging). */
export class ToDevice {
  readonly #deps: Deps
  #sends = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Sends once for each transaction id of the device; devices that do not exist get nothing. */
  async send(sender: Requester, type: string, txnId: string, messages: Messages): Promise<void> {
    const { db, clock, stream, hub } = this.#deps
    const nids = await nameNids(db, messages.keys())
    const devices = await findDevicesOf(db, [...nids.values()])
    const userIds = new Map([...nids].map(([userId, nid]) => [nid, userId as UserId]))
    const receivers = new Set<UserId>()
    const rows = devices.flatMap(({ user_nid, device_id, nid }): store.WaitingMessage[] => {
      const userId = userIds.get(user_nid)
      const wanted = userId && messages.get(userId)
      const content = wanted?.get(device_id) ?? wanted?.get('*')
      if (!userId || content === undefined) return []
      receivers.add(userId)
      return [{ deviceNid: nid, json: JSON.stringify({ type, sender: sender.userId, content }) }]
    })
    const trims = this.#sends++ % TRIM_EVERY === 0
    await stream.write(async (tx, take) => {
      const isNew = await store.insertToDeviceTransaction(tx, sender.deviceNid, `${type} ${txnId}`, clock.now())
      if (!isNew || rows.length === 0) return { value: undefined }
      const deviceNids = rows.map(({ deviceNid }) => deviceNid)
      if (trims) await store.trimToDevice(tx, deviceNids, MAX_WAITING)
      const { pos } = await take(1)
      await store.insertToDevice(tx, pos, rows)
      return { value: undefined, announce: () => hub.publish(receivers, pos) }
    })
  }

  /**
   * What waits for the device in (`after`, `upTo`], as JSON texts. `after` is the client's token: what came before it
   * has arrived and is deleted.
   */
  async receive(deviceNid: number, after: number | undefined, upTo: number): Promise<string[]> {
    return (await this.receiveSome(deviceNid, after, upTo)).events
  }

  /** The same for at most `limit` messages; `end` is the position up to which the client has then received. */
  async receiveSome(
    deviceNid: number,
    after: number | undefined,
    upTo: number,
    limit = MAX_WAITING,
  ): Promise<{ events: string[]; end: number }> {
    const { db } = this.#deps
    let waiting = await store.listToDevice(db, deviceNid, upTo, limit)
    const [first] = waiting
    if (after !== undefined && first && first.pos <= after) {
      await transact(db, (tx) => store.deleteToDevice(tx, deviceNid, after))
      waiting = await store.listToDevice(db, deviceNid, upTo, limit)
    }
    const last = waiting.at(-1)
    return { events: waiting.map(({ json }) => json), end: last && waiting.length === limit ? last.pos : upTo }
  }
}
