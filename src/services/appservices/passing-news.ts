import type { AppService } from './app-service.ts'

/** News in memory that waits for one application service, by what it is about. */
interface Waiting {
  readonly ephemeral: Map<string, string>
  readonly devices: Set<number>
}

const MAX_EPHEMERAL = 1_000

/**
 * What waits for application services and is no news a minute later: typing, presence, receipts, which devices were
 * asked for keys. Memory only, as with other servers: what is old when it comes back is worth no row. Something newer
 * about the same takes the place of what still waits.
 */
export class PassingNews {
  readonly #waiting = new Map<AppService, Waiting>()

  /** `about`: tells what replaces what. `text`: the event as JSON. */
  addEphemeral(service: AppService, about: string, text: string): void {
    const { ephemeral } = this.#of(service)
    ephemeral.delete(about) // the newest come last
    ephemeral.set(about, text)
    if (ephemeral.size <= MAX_EPHEMERAL) return
    const [oldest] = ephemeral.keys()
    if (oldest !== undefined) ephemeral.delete(oldest)
  }

  /** The device has other keys left than before. */
  addDevice(service: AppService, deviceNid: number): void {
    this.#of(service).devices.add(deviceNid)
  }

  /** Takes the oldest of it. */
  take(service: AppService, limit: number): { ephemeral: [about: string, text: string][]; devices: number[] } {
    const { ephemeral, devices } = this.#of(service)
    const taken = { ephemeral: [...ephemeral].slice(0, limit), devices: [...devices].slice(0, limit) }
    for (const [about] of taken.ephemeral) ephemeral.delete(about)
    for (const nid of taken.devices) devices.delete(nid)
    return taken
  }

  #of(service: AppService): Waiting {
    let waiting = this.#waiting.get(service)
    if (!waiting) {
      waiting = { ephemeral: new Map(), devices: new Set() }
      this.#waiting.set(service, waiting)
    }
    return waiting
  }
}
