import { listWaitingPushers } from '../../storage/push-queue.ts'
import { Slots } from '../../util/slots.ts'
import { type ServeDeps, serveOnce } from './serve-pusher.ts'

interface Deps extends Omit<ServeDeps, 'stop'> {
  /** Told when pushing fails because of us. */
  onCrash(error: unknown): void
}

interface Loop {
  /** Something new waits, or the pusher was set anew. */
  isDirty: boolean
  rearm: AbortController
  readonly done: Promise<void>
}

/** Gateways that are asked at once. */
const MAX_AT_ONCE = 20
/** After a failure of our own, such as a database that is away. */
const CRASH_PAUSE_MS = 5_000

/** Empties the queues of the pushers, one loop for each for which something waits. The table is the queue. */
export class PushSender {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  readonly #serve: ServeDeps
  readonly #loops = new Map<number, Loop>()
  #pausing = 0
  readonly #slots = new Slots(MAX_AT_ONCE)

  constructor(deps: Deps) {
    this.#deps = deps
    this.#serve = { ...deps, stop: this.#stop.signal }
  }

  /** How many pushers are being served, or waited for. */
  get running(): number {
    return this.#loops.size
  }

  /** How many of them wait until a gateway that failed may be tried again. */
  get pausing(): number {
    return this.#pausing
  }

  /** Goes on with what was not sent before the restart. */
  async start(): Promise<void> {
    this.wake(await listWaitingPushers(this.#deps.db))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.idle()
  }

  /** Something waits for these pushers. Call it after the commit. */
  wake(pusherNids: Iterable<number>): void {
    for (const nid of pusherNids) this.#wake(nid)
  }

  /** The pusher was set anew: what waits for it is tried at once. */
  onSet(nid: number): void {
    this.#wake(nid)
    this.#loops.get(nid)?.rearm.abort()
  }

  /** Resolves when nothing is being sent: for tests. */
  async idle(): Promise<void> {
    while (this.#loops.size > 0) await Promise.all([...this.#loops.values()].map(({ done }) => done))
  }

  #wake(nid: number): void {
    if (this.#stop.signal.aborted) return
    const loop = this.#loops.get(nid)
    if (loop) {
      loop.isDirty = true
      return
    }
    const made: Loop = {
      isDirty: false,
      rearm: new AbortController(),
      // Begins a turn later, when the loop is in the map.
      done: Promise.resolve().then(() => this.#run(nid, made)),
    }
    this.#loops.set(nid, made)
  }

  /** Never rejects. */
  async #run(nid: number, loop: Loop): Promise<void> {
    const { clock, onCrash } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        loop.isDirty = false
        loop.rearm = new AbortController()
        const pause = await this.#slots.run(() => serveOnce(this.#serve, nid))
        // A wake-up between the look and here must not be lost.
        if (pause === undefined && !loop.isDirty) break
        if (pause === undefined || pause === 0) continue
        this.#pausing++
        await clock.sleep(pause, AbortSignal.any([signal, loop.rearm.signal]))
        this.#pausing--
      } catch (error) {
        onCrash(error)
        await clock.sleep(CRASH_PAUSE_MS, signal)
      }
    }
    this.#loops.delete(nid)
  }
}
