import { findServedPusher, listWaitingPushers } from '../../storage/push/push-queue.ts'
import { Loops } from '../../util/loops.ts'
import { lruCache } from '../../util/lru.ts'
import { Slots } from '../../util/slots.ts'
import { gatewayOf, type ServeDeps, serveOnce } from './serve-pusher.ts'

interface Deps extends Omit<ServeDeps, 'stop'> {
  /** Told when pushing fails because of us. */
  onCrash(error: unknown): void
}

/** Notifications that one gateway is told at once. Anybody may name a gateway that is slow: it keeps no other waiting. */
const MAX_AT_ONCE = 20
const MAX_CACHED = 1_000
/** How long the end of the server waits for gateways. */
const PATIENCE_MS = 2_000

/** Empties the queues of the pushers, one loop for each for which something waits. The table is the queue. */
export class PushSender {
  readonly #deps: Deps
  readonly #loops: Loops<number>
  readonly #stop = new AbortController()
  /** By the host of the gateway. */
  readonly #slots = lruCache<string, Slots>(MAX_CACHED)

  constructor(deps: Deps) {
    this.#deps = deps
    this.#loops = new Loops({
      clock: deps.clock,
      step: (nid, signal) => this.#step(nid, signal),
      onCrash: deps.onCrash,
    })
  }

  /** How many pushers are being served, or waited for. */
  get running(): number {
    return this.#loops.running
  }

  /** How many of them wait until a gateway that failed may be tried again. */
  get pausing(): number {
    return this.#loops.pausing
  }

  /** Goes on with what was not sent before the restart. */
  async start(): Promise<void> {
    this.wake(await listWaitingPushers(this.#deps.db))
  }

  /** Lets gateways that are being told answer: what they have taken would be told again after the restart. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), PATIENCE_MS)
    await this.#loops.close()
    clearTimeout(timer)
  }

  /** Something waits for these pushers. Call it after the commit. */
  wake(pusherNids: Iterable<number>): void {
    for (const nid of pusherNids) this.#loops.wake(nid)
  }

  /** The pusher was set anew: what waits for it is tried at once. */
  onSet(nid: number): void {
    this.#loops.wake(nid)
    this.#loops.rearm(nid)
  }

  /** Resolves when nothing is being sent: for tests. */
  idle(): Promise<void> {
    return this.#loops.idle()
  }

  async #step(nid: number, ending: AbortSignal): Promise<number | undefined> {
    const pusher = await findServedPusher(this.#deps.db, nid)
    if (!pusher) return undefined
    const deps = { ...this.#deps, stop: this.#stop.signal }
    // What the pusher is by then is looked up when its turn has come.
    return this.#slotsOf(gatewayOf(pusher).host).run(async () => (ending.aborted ? undefined : serveOnce(deps, nid)))
  }

  #slotsOf(host: string): Slots {
    let slots = this.#slots.get(host)
    if (!slots) {
      slots = new Slots(MAX_AT_ONCE)
      this.#slots.set(host, slots)
    }
    return slots
  }
}
