import { deleteQueuesExcept, deleteTransaction, type StoredTransaction } from '../../storage/appservices.ts'
import { transact } from '../../storage/db.ts'
import { internNames } from '../../storage/names.ts'
import type { Clock } from '../../util/clock.ts'
import type { AppService } from './app-service.ts'
import type { AppServiceClient } from './app-service-client.ts'
import type { AppServices } from './app-services.ts'
import { nextTransaction, type ServiceNids, type TransactionDeps } from './next-transaction.ts'

interface Deps extends TransactionDeps {
  readonly clock: Clock
  readonly appServices: AppServices
  readonly client: AppServiceClient
  /** Told of transactions that were not accepted, and will be sent again. */
  onFailure(service: AppService, reason: string): void
  /** Told when delivering fails because of us. */
  onCrash(error: unknown): void
}

interface Loop {
  /** Something new waits. */
  isDirty: boolean
  failures: number
  triedAt: number
  rearm: AbortController
  readonly done: Promise<void>
}

const TIMEOUT_MS = 60_000
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 5 * 60_000
/** Whoever speaks to us is tried again, but not more often than this. */
const SHORTEST_PAUSE_MS = 5_000
/** After a failure of our own, such as a database that is away. */
const CRASH_PAUSE_MS = 5_000

/**
 * Brings application services what waits for them: one loop for each, one transaction at a time, for as long as it takes.
 * The tables are the queue, so that a restart loses nothing and repeats nothing under another id. How long one has been
 * away is not kept: after a restart each is tried at once, which costs one request.
 */
export class AppServiceDelivery {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  readonly #nids = new Map<AppService, ServiceNids>()
  readonly #loops = new Map<AppService, Loop>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** How many application services are being sent to, or waited for. */
  get running(): number {
    return this.#loops.size
  }

  /** Goes on with what was not sent before the restart, and forgets who is no longer registered. */
  async start(): Promise<void> {
    const { db, appServices } = this.#deps
    const listening = appServices.all.filter(({ url }) => url !== undefined)
    const nids = await transact(db, async (tx) => {
      const interned = await internNames(
        tx,
        listening.flatMap(({ id, sender }) => [id, sender]),
      )
      await deleteQueuesExcept(
        tx,
        listening.map(({ id }) => interned.get(id) as number),
      )
      return interned
    })
    for (const service of listening) {
      const serviceNid = nids.get(service.id) as number
      this.#nids.set(service, { serviceNid, senderNid: nids.get(service.sender) as number })
      this.wake(service)
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.idle()
  }

  /** Something waits for it. Call it after the commit. */
  wake(service: AppService): void {
    const nids = this.#nids.get(service)
    if (!nids || this.#stop.signal.aborted) return
    const loop = this.#loops.get(service)
    if (loop) {
      loop.isDirty = true
      return
    }
    const made: Loop = {
      isDirty: false,
      failures: 0,
      triedAt: Number.NEGATIVE_INFINITY,
      rearm: new AbortController(),
      // Begins a turn later, when the loop is in the map.
      done: Promise.resolve().then(() => this.#run(service, nids, made)),
    }
    this.#loops.set(service, made)
  }

  /** It spoke to us, so it may be there again. */
  onHeard(service: AppService): void {
    const loop = this.#loops.get(service)
    if (loop && this.#deps.clock.now() - loop.triedAt >= SHORTEST_PAUSE_MS) loop.rearm.abort()
  }

  /** Resolves when nothing is being sent: for tests. */
  async idle(): Promise<void> {
    while (this.#loops.size > 0) await Promise.all([...this.#loops.values()].map(({ done }) => done))
  }

  /** Never rejects. */
  async #run(service: AppService, nids: ServiceNids, loop: Loop): Promise<void> {
    const { clock, onCrash } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        loop.isDirty = false
        loop.rearm = new AbortController()
        const transaction = await nextTransaction(this.#deps, service, nids)
        // A wake-up between the look and here must not be lost.
        if (!transaction && !loop.isDirty) break
        if (!transaction) continue
        loop.triedAt = clock.now()
        if (await this.#send(service, nids, transaction)) {
          loop.failures = 0
          continue
        }
        const pause = Math.min(FIRST_PAUSE_MS * 2 ** loop.failures++, LONGEST_PAUSE_MS)
        await clock.sleep(pause, AbortSignal.any([signal, loop.rearm.signal]))
      } catch (error) {
        onCrash(error)
        await clock.sleep(CRASH_PAUSE_MS, signal)
      }
    }
    this.#loops.delete(service)
  }

  /** Whether it was accepted. */
  async #send(service: AppService, { serviceNid }: ServiceNids, transaction: StoredTransaction): Promise<boolean> {
    const { db, client, onFailure } = this.#deps
    const { txnId, body } = transaction
    const path = `/transactions/${txnId}`
    const asked = { method: 'PUT', path, legacyPath: path, body, timeoutMs: TIMEOUT_MS } as const
    const reason = await client.ask(service, { ...asked, signal: this.#stop.signal }).then(
      ({ status }) => (status >= 200 && status < 300 ? undefined : `it answered ${status}`),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    if (reason !== undefined) {
      if (!this.#stop.signal.aborted) onFailure(service, reason)
      return false
    }
    await transact(db, (tx) => deleteTransaction(tx, serviceNid))
    return true
  }
}
