import { isUserId, serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject, own } from '../../../matrix/json.ts'
import { isOfSize, type Messages } from '../device-messages.ts'
import type { ToDevice } from '../to-device.ts'
import type { RemoteLists } from './remote-lists.ts'

interface Deps {
  readonly toDevice: ToDevice
  readonly remoteLists: RemoteLists
  readonly serverName: string
  /** Told that a list of a server must be read again. */
  onStale(server: string): void
}

const MAX_ID = 255
const MAX_USERS = 1_000
const MAX_DEVICES = 1_000

/** Takes messages that devices of other servers send to ours (spec: server-server API, Send-to-device messaging). */
export class RemoteMessages {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `m.direct_to_device` */
  async take(origin: string, content: JsonObject): Promise<void> {
    const { sender, type, message_id: messageId } = content
    if (typeof sender !== 'string' || !isUserId(sender) || serverOf(sender) !== origin) return
    if (!isShort(type) || !isShort(messageId)) return
    const messages = this.#messagesOf(content)
    await this.#deps.toDevice.receiveFrom(origin, { sender, type, messageId, messages })
    if (type === 'm.room.encrypted') await this.#meet(sender, messages)
  }

  #messagesOf({ messages }: JsonObject): Messages {
    const { serverName } = this.#deps
    const ours = Object.entries(isObject(messages) ? messages : {})
      .filter((entry): entry is [UserId, JsonObject] => isUserId(entry[0]) && isObject(entry[1]))
      .filter(([userId]) => serverOf(userId) === serverName)
      .slice(0, MAX_USERS)
    return new Map(
      ours.map(([userId, devices]) => {
        const contents = Object.entries(devices).slice(0, MAX_DEVICES)
        return [userId, new Map(contents.filter((one): one is [string, JsonObject] => isMessage(one[1])))] as const
      }),
    )
  }

  /** A device that we do not know has written: we missed that it came. */
  async #meet(sender: UserId, messages: Messages): Promise<void> {
    const { remoteLists, onStale } = this.#deps
    const contents = [...messages.values()].flatMap((ofUser) => [...ofUser.values()])
    const key = contents.map((content) => own(content, 'sender_key')).find((value) => typeof value === 'string')
    if (key === undefined || (await remoteLists.mayHaveKey(sender, key))) return
    await remoteLists.doubt([sender])
    onStale(serverOf(sender))
  }
}

const isShort = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_ID && value.isWellFormed() && !value.includes('\0')

const isMessage = (value: unknown): boolean => isObject(value) && isOfSize(value)
