import { type Awaitable, andThen } from '../../util/awaitable.ts'
import { type Contribution, NOTHING_NEW, type SyncContext, type SyncSection } from '../sync/request.ts'
import type { DeviceKeys } from './device-keys.ts'
import type { DeviceLists } from './device-lists.ts'
import type { ToDevice } from './to-device.ts'

interface Deps {
  readonly deviceKeys: DeviceKeys
  readonly lists: DeviceLists
  readonly toDevice: ToDevice
}

type Part = Contribution & { readonly text: string }

/** Messages to the device in one answer, as other servers have it: one is a few kilobytes, and thousands may wait. */
const MAX_MESSAGES = 100

/** What the device's encryption needs of an answer: messages to it, changed device lists, how many keys are left. */
export class EncryptionSection implements SyncSection {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async contribute(context: SyncContext): Promise<Contribution> {
    const messages = await this.#messages(context)
    const parts = [messages, await this.#lists(context), await this.#keys(context)]
    return {
      ...messages,
      text: parts.flatMap(({ text }) => (text === '' ? [] : [text])).join(','),
      isNews: parts.some(({ isNews }) => isNews),
    }
  }

  #messages({ viewer, since, upTo }: SyncContext): Awaitable<Part> {
    const after = since?.messagesPos ?? since?.pos
    return andThen(this.#deps.toDevice.receive(viewer.deviceNid, after, upTo.pos, MAX_MESSAGES), ({ events, end }) => {
      if (events.length === 0) return NOTHING_NEW
      const text = `"to_device":{"events":[${events.join(',')}]}`
      return { text, isNews: true, ...(end < upTo.pos && { messagesPos: end }) }
    })
  }

  /** A first sync names nobody: the client looks at everybody it meets. */
  #lists({ viewer, since, upTo, rooms }: SyncContext): Awaitable<Part> {
    if (since === undefined) return NOTHING_NEW
    return andThen(this.#deps.lists.changes(viewer, rooms, since.pos, upTo.pos), ({ changed, left }) =>
      changed.length + left.length === 0
        ? NOTHING_NEW
        : { text: `"device_lists":${JSON.stringify({ changed, left })}`, isNews: true },
    )
  }

  /** Always there: clients take a missing count for none. News when somebody was given a key. */
  #keys({ viewer: { deviceNid }, since }: SyncContext): Awaitable<Part> {
    const { deviceKeys } = this.#deps
    return andThen(deviceKeys.left.of(deviceNid), ({ counts, unusedFallbacks }) => ({
      text:
        `"device_one_time_keys_count":${JSON.stringify(counts)},` +
        `"device_unused_fallback_key_types":${JSON.stringify(unusedFallbacks)}`,
      isNews: since !== undefined && deviceKeys.haveChanged(deviceNid, since.pos),
    }))
  }
}
