import type { Sender } from '../../federation/sending/sender.ts'
import { MatrixError, tooLarge } from '../../matrix/errors.ts'
import { serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type Db, type Tx, transact } from '../../storage/db.ts'
import { findDevicesOf } from '../../storage/keys/device-keys.ts'
import * as store from '../../storage/keys/to-device.ts'
import { internName, nameNids } from '../../storage/names.ts'
import { type Awaitable, andThen } from '../../util/awaitable.ts'
import { chunks } from '../../util/chunks.ts'
import type { Clock } from '../../util/clock.ts'
import { InTurn } from '../../util/in-turn.ts'
import { lruCache } from '../../util/lru.ts'
import type { Requester } from '../accounts/sessions/sessions.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'
import { isOfSize, MAX_MESSAGE_BYTES, type Messages, type ReceivedMessages } from './device-messages.ts'
import { FreshMessages } from './fresh-messages.ts'
import { checkServers } from './remote/server-count.ts'
import { toDeviceLetters } from './remote/to-device-letters.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly stream: Stream
  readonly hub: Hub
  readonly sender: Sender
  readonly serverName: string
  /** At most 32 characters (spec: m.direct_to_device). */
  newMessageId(): string
}

/**
 * Part of the transaction in which messages to these devices are stored under a position. Returns those devices to which
 * somebody else hands them on.
 */
export type MessagesListener = (tx: Tx, pos: number, owners: ReadonlyMap<number, UserId>) => Promise<readonly number[]>

/** Messages for a device. */
interface Received {
  /** As JSON texts. */
  readonly events: string[]
  /** The position up to which the client has then received them. */
  readonly end: number
}

/** The newest messages that wait for a device; a device that stays away for years loses the oldest. */
const MAX_WAITING = 10_000
/** Looking whether that is too many costs as much as counting them, so it is done once in so many messages for a device. */
const TRIM_EVERY = 100
/** What one request may store: a message for all devices of somebody is stored once for each of them. */
const MAX_STORED_BYTES = 8 * 1024 * 1024
/** Devices of one transaction, for it holds up others. */
const DELETED_AT_ONCE = 100
/** Devices of which it is remembered that nothing waits for them, and how many messages came. */
const MAX_REMEMBERED = 50_000

/** Messages from device to device (spec: Send-to-Device messaging). */
export class ToDevice {
  readonly #deps: Deps
  readonly #listeners: MessagesListener[] = []
  /** When messages for a device came last; and up to which position nothing waited when it was looked. */
  readonly #arrivals: ChangeIndex<number>
  readonly #nothingUpTo = lruCache<number, number>(MAX_REMEMBERED)
  readonly #fresh = new FreshMessages()
  /** By the sending device. */
  readonly #sending = new InTurn<number>()
  /** Up to where devices have said that messages arrived, as far as those are not deleted yet. */
  readonly #arrived = new Map<number, number>()
  /** How many messages came for a device. */
  readonly #counts = lruCache<number, number>(MAX_REMEMBERED)

  constructor(deps: Deps) {
    this.#deps = deps
    this.#arrivals = new ChangeIndex(deps.stream.current)
  }

  /** Has `listener` write along when messages for our devices are stored. */
  onStored(listener: MessagesListener): void {
    this.#listeners.push(listener)
  }

  /**
   * Sends once for each transaction id of the device, in the order of its calls; devices that do not exist get nothing.
   * Throws `M_TOO_LARGE`.
   *
   * Clients do not wait for one message to be answered before they send the next, and PostgreSQL may take the later one
   * first, over another connection: a verification never ends when its `done` overtakes its `mac`.
   */
  async send(sender: Requester, type: string, txnId: string, messages: Messages): Promise<void> {
    const { clock, serverName, sender: outbox, newMessageId } = this.#deps
    if (![...messages.values()].every((ofUser) => [...ofUser.values()].every(isOfSize))) {
      throw new MatrixError('M_TOO_LARGE', `A message has at most ${MAX_MESSAGE_BYTES} bytes`)
    }
    const isLocal = ([userId]: readonly [UserId, unknown]) => serverOf(userId) === serverName
    const [local, remote] = [new Map([...messages].filter(isLocal)), [...messages].filter((one) => !isLocal(one))]
    checkServers(remote.map(([userId]) => userId))
    const letters = toDeviceLetters({ sender: sender.userId, type, messages: new Map(remote), newMessageId })
    const isNew = async (tx: Tx) => {
      const id = `${type} ${txnId}`
      const isNew = await store.insertToDeviceTransaction(tx, sender.deviceNid, id, clock.now())
      if (isNew) await outbox.enqueueEdus(tx, letters)
      return isNew
    }
    await this.#sending.run(sender.deviceNid, () => this.#deliver(sender.userId, type, local, isNew))
  }

  /** Takes messages of another server's user, once for each id that the server gave them. */
  async receiveFrom(server: string, { sender, type, messageId, messages }: ReceivedMessages): Promise<void> {
    const { clock } = this.#deps
    await this.#deliver(sender, type, messages, async (tx) => {
      const serverNid = await internName(tx, server)
      return store.insertInboundMessage(tx, serverNid, messageId, clock.now())
    })
  }

  /** `isNew` notes, as part of the transaction, that the messages came, and says whether they had not come before. */
  async #deliver(sender: UserId, type: string, messages: Messages, isNew: (tx: Tx) => Promise<boolean>): Promise<void> {
    const { db, stream, hub } = this.#deps
    const nids = await nameNids(db, messages.keys())
    const devices = await findDevicesOf(db, [...nids.values()])
    const userIds = new Map([...nids].map(([userId, nid]) => [nid, userId]))
    const receivers = new Map<number, UserId>()
    const texts = new Map<JsonObject, string>()
    let bytes = 0
    const rows = devices.flatMap(({ user_nid, device_id, nid }): store.WaitingMessage[] => {
      const userId = userIds.get(user_nid)
      const wanted = userId && messages.get(userId)
      const content = wanted?.get(device_id) ?? wanted?.get('*')
      if (!userId || content === undefined) return []
      receivers.set(nid, userId)
      const json = texts.get(content) ?? JSON.stringify({ type, sender, content })
      texts.set(content, json)
      bytes += json.length
      return [{ deviceNid: nid, json }]
    })
    if (bytes > MAX_STORED_BYTES) throw tooLarge('So large a message for so many devices is not taken')
    const full = rows.map(({ deviceNid }) => deviceNid).filter((deviceNid) => this.#isTrimmed(deviceNid))
    await stream.write(async (tx, take) => {
      if (!(await isNew(tx)) || rows.length === 0) return { value: undefined }
      await store.trimToDevice(tx, full, MAX_WAITING)
      const { pos } = await take(1)
      await store.insertToDevice(tx, pos, rows)
      const handedOn = new Set<number>()
      for (const listener of this.#listeners) {
        for (const deviceNid of await listener(tx, pos, receivers)) handedOn.add(deviceNid)
      }
      const announce = () => {
        for (const { deviceNid, json } of rows) {
          if (handedOn.has(deviceNid)) this.#fresh.drop(deviceNid)
          else this.#fresh.add(deviceNid, this.#arrivals.unchangedSince(deviceNid), { pos, json })
          this.#arrivals.note(deviceNid, pos)
        }
        hub.publish(new Set(receivers.values()), pos)
      }
      return { value: undefined, announce }
    })
  }

  /** Counts a message for the device; whether its turn has come to be looked at. */
  #isTrimmed(deviceNid: number): boolean {
    const count = (this.#counts.get(deviceNid) ?? 0) + 1
    this.#counts.set(deviceNid, count)
    return count % TRIM_EVERY === 0
  }

  /**
   * What waits for the device in (`after`, `upTo`]: the oldest `limit` messages. `after` is the client's token: what came
   * before it has arrived, and is deleted by `deleteArrived`.
   */
  receive(deviceNid: number, after: number | undefined, upTo: number, limit: number): Awaitable<Received> {
    const nothingUpTo = this.#nothingUpTo.get(deviceNid)
    // Every `/sync` asks, and hardly ever is there anything.
    if (nothingUpTo !== undefined && !this.#arrivals.mayHaveChanged(deviceNid, nothingUpTo)) return nothing(upTo)
    const arrived = Math.max(after ?? 0, this.#arrived.get(deviceNid) ?? 0)
    if (after !== undefined) this.#arrived.set(deviceNid, arrived)
    if (!this.#arrivals.mayHaveChanged(deviceNid, arrived)) {
      this.#nothingUpTo.set(deviceNid, arrived)
      this.#fresh.drop(deviceNid)
      return nothing(upTo)
    }
    const { db } = this.#deps
    const waiting =
      this.#fresh.list(deviceNid, arrived, upTo, limit) ?? store.listToDevice(db, deviceNid, arrived, upTo, limit)
    return andThen(waiting, (messages) => {
      if (messages.length === 0) this.#nothingUpTo.set(deviceNid, upTo)
      const last = messages.at(-1)
      return { events: messages.map(({ json }) => json), end: last && messages.length === limit ? last.pos : upTo }
    })
  }

  /**
   * Deletes what has arrived. To be called from time to time: in the `/sync` that says so it would keep the client from
   * what came meanwhile, most often the message whose key it was. What a crash keeps from it is said again.
   */
  async deleteArrived(): Promise<void> {
    for (const part of chunks([...this.#arrived], DELETED_AT_ONCE)) {
      await transact(this.#deps.db, async (tx) => {
        for (const [deviceNid, upTo] of part) store.deleteToDevice(tx, deviceNid, upTo)
      })
      for (const [deviceNid, upTo] of part) {
        if (this.#arrived.get(deviceNid) === upTo) this.#arrived.delete(deviceNid)
      }
    }
  }
}

const nothing = (upTo: number): Received => ({ events: [], end: upTo })
