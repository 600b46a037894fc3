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

/** Empties the queues of the pushers, one loop for each for which something waits. The table is the queue. */
export class PushSender {
  readonly #deps: Deps
  readonly #loops: Loops<number>
  /** By the host of the gateway. */
  readonly #slots = lruCache<string, Slots>(MAX_CACHED)

  constructor(deps: Deps) {
    this.#deps = deps
    this.#loops = new Loops({
      clock: deps.clock,
      step: (nid, stop) => this.#step(nid, stop),
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

  close(): Promise<void> {
    return this.#loops.close()
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

  async #step(nid: number, stop: AbortSignal): Promise<number | undefined> {
    const pusher = await findServedPusher(this.#deps.db, nid)
    // What the pusher is by then is looked up when its turn has come.
    return pusher && this.#slotsOf(gatewayOf(pusher).host).run(() => serveOnce({ ...this.#deps, stop }, nid))
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
