import type { ToDevice } from '../../keys/to-device.ts'
import { type Extension, type ExtensionAnswer, type ExtensionContext, NOTHING } from './extension.ts'

/** Messages to the device (MSC3885). They have a token of their own: what came before it has arrived and is deleted. */
export class ToDeviceExtension implements Extension {
  readonly #toDevice: ToDevice

  constructor(toDevice: ToDevice) {
    this.#toDevice = toDevice
  }

  async answer({ request, viewer, upTo }: ExtensionContext): Promise<ExtensionAnswer> {
    const asked = request.extensions.toDevice
    if (!asked) return NOTHING
    // A token from before a backup was restored says nothing about what has arrived since.
    const after = asked.since !== undefined && asked.since <= upTo.pos ? asked.since : undefined
    const { events, end } = await this.#toDevice.receive(viewer.deviceNid, after, upTo.pos, asked.limit)
    return {
      text: `"to_device":{"next_batch":"${end}","events":[${events.join(',')}]}`,
      isNews: events.length > 0,
    }
  }
}
