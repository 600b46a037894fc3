import type { DeviceKeys } from '../../keys/device-keys.ts'
import type { DeviceLists } from '../../keys/device-lists.ts'
import { type Extension, type ExtensionAnswer, type ExtensionContext, NOTHING } from './extension.ts'

interface Deps {
  readonly deviceKeys: DeviceKeys
  readonly lists: DeviceLists
}

/** Changed device lists, and how many keys the device has left (MSC3884). */
export class E2eeExtension implements Extension {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async answer({ request, viewer, from, upTo, rooms }: ExtensionContext): Promise<ExtensionAnswer> {
    if (!request.extensions.e2ee) return NOTHING
    const { deviceKeys, lists } = this.#deps
    const { deviceNid } = viewer
    // A client that begins looks at everybody it meets.
    const { changed, left } = from ? await lists.changes(viewer, rooms, from.pos, upTo.pos) : { changed: [], left: [] }
    const hasMoved = changed.length + left.length > 0
    const { counts, unusedFallbacks } = await deviceKeys.left.of(deviceNid)
    // Always there: clients take a missing count for none.
    const fields = [
      `"device_one_time_keys_count":${JSON.stringify(counts)}`,
      `"device_unused_fallback_key_types":${JSON.stringify(unusedFallbacks)}`,
    ]
    if (hasMoved) fields.push(`"device_lists":${JSON.stringify({ changed, left })}`)
    return {
      text: `"e2ee":{${fields.join(',')}}`,
      isNews: hasMoved || (from !== undefined && deviceKeys.haveChanged(deviceNid, from.pos)),
    }
  }
}
