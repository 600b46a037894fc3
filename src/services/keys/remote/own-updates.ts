import type { Edu } from '../../../federation/sending/edu.ts'
import type { Sender } from '../../../federation/sending/sender.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Tx } from '../../../storage/db.ts'
import { listServersOfUser } from '../../../storage/rooms/room-servers.ts'
import type { Owner } from '../../account-data/account-data.ts'
import type { KeyChange, Stamp } from '../device-lists.ts'
import type { PublishedKeys } from './published-keys.ts'

interface Deps {
  readonly sender: Sender
  readonly published: PublishedKeys
  readonly serverName: string
}

/**
 * Tells all servers that share a room with one of our users of a change of the user's devices and keys, in the
 * transaction of the change: whatever becomes of us or them, they hear of it before the events that need it.
 */
export class OwnUpdates {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** For `DeviceLists`. */
  async onChange(tx: Tx, owner: Owner, change: KeyChange, stamp: Stamp): Promise<void> {
    const { sender, serverName } = this.#deps
    const servers = (await listServersOfUser(tx, owner.userNid)).filter((server) => server !== serverName)
    if (servers.length === 0) return
    const edus = await this.#edus(tx, owner, change, stamp)
    await sender.enqueueEdus(
      tx,
      edus.map((edu) => ({ servers, edu })),
    )
  }

  async #edus(tx: Tx, owner: Owner, { deviceIds = [], crossSigning }: KeyChange, stamp: Stamp): Promise<Edu[]> {
    const { published } = this.#deps
    const { devices, master_key, self_signing_key } = await published.of(tx, owner)
    const withKeys = new Map<string, JsonObject>(devices.map((device) => [device.device_id, device]))
    const others = deviceIds.filter((deviceId) => !withKeys.has(deviceId))
    const withoutKeys = (await published.existing(tx, owner, others)).map(
      (device) => [device.device_id, device] as const,
    )
    const byId = new Map([...withKeys, ...withoutKeys])
    const updates = deviceIds.map((deviceId, index): Edu => {
      const streamId = stamp.pos + index
      const device = byId.get(deviceId)
      return {
        type: 'm.device_list_update',
        content: {
          user_id: owner.userId,
          device_id: deviceId,
          ...(device ?? { deleted: true }),
          stream_id: streamId,
          prev_id: [index === 0 ? stamp.before : streamId - 1],
        },
      }
    })
    if (!crossSigning) return updates
    const content: JsonObject = { user_id: owner.userId, master_key, self_signing_key }
    return [...updates, { type: 'm.signing_key_update', content }]
  }
}
