import { deleteQueuesExcept, deleteTransaction, type StoredTransaction } from '../../storage/appservices.ts'
import { transact } from '../../storage/db.ts'
import { internNames, nidOf } from '../../storage/names.ts'
import { backoffMs } from '../../util/backoff.ts'
import type { Clock } from '../../util/clock.ts'
import { Loops } from '../../util/loops.ts'
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

/** How the last tries went. */
interface Tries {
  failures: number
  triedAt: number
}

const TIMEOUT_MS = 60_000
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 5 * 60_000
/** Whoever speaks to us is tried again, but not more often than this. */
const SHORTEST_PAUSE_MS = 5_000

/**
 * Brings application services what waits for them: one loop for each, one transaction at a time, for as long as it takes.
 * The tables are the queue, so that a restart loses nothing and repeats nothing under another id. How long one has been
 * away is not kept: after a restart each is tried at once, which costs one request.
 */
export class AppServiceDelivery {
  readonly #deps: Deps
  readonly #nids = new Map<AppService, ServiceNids>()
  readonly #tries = new Map<AppService, Tries>()
  readonly #loops: Loops<AppService>

  constructor(deps: Deps) {
    this.#deps = deps
    this.#loops = new Loops({
      clock: deps.clock,
      step: (service, stop) => this.#step(service, stop),
      onCrash: deps.onCrash,
    })
  }

  /** How many application services are being sent to, or waited for. */
  get running(): number {
    return this.#loops.running
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
        listening.map(({ id }) => nidOf(interned, id)),
      )
      return interned
    })
    for (const service of listening) {
      this.#nids.set(service, { serviceNid: nidOf(nids, service.id), senderNid: nidOf(nids, service.sender) })
      this.wake(service)
    }
  }

  close(): Promise<void> {
    return this.#loops.close()
  }

  /** Something waits for it. Call it after the commit. */
  wake(service: AppService): void {
    if (this.#nids.has(service)) this.#loops.wake(service)
  }

  /** It spoke to us, so it may be there again. */
  onHeard(service: AppService): void {
    const tries = this.#tries.get(service)
    if (tries && this.#deps.clock.now() - tries.triedAt >= SHORTEST_PAUSE_MS) this.#loops.rearm(service)
  }

  /** Resolves when nothing is being sent: for tests. */
  idle(): Promise<void> {
    return this.#loops.idle()
  }

  async #step(service: AppService, stop: AbortSignal): Promise<number | undefined> {
    const nids = this.#nids.get(service)
    const transaction = nids && (await nextTransaction(this.#deps, service, nids))
    if (!transaction) {
      this.#tries.delete(service)
      return undefined
    }
    const failures = this.#tries.get(service)?.failures ?? 0
    const tries = { failures, triedAt: this.#deps.clock.now() }
    this.#tries.set(service, tries)
    const isAccepted = await this.#send(service, nids, transaction, stop)
    tries.failures = isAccepted ? 0 : failures + 1
    return isAccepted ? 0 : backoffMs(tries.failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
  }

  /** Whether it was accepted. */
  async #send(
    service: AppService,
    { serviceNid }: ServiceNids,
    transaction: StoredTransaction,
    stop: AbortSignal,
  ): Promise<boolean> {
    const { db, client, onFailure } = this.#deps
    const { txnId, body } = transaction
    const path = `/transactions/${txnId}`
    const asked = { method: 'PUT', path, legacyPath: path, body, timeoutMs: TIMEOUT_MS } as const
    const reason = await client.ask(service, { ...asked, signal: stop }).then(
      ({ status }) => (status >= 200 && status < 300 ? undefined : `it answered ${status}`),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    if (reason !== undefined) {
      if (!stop.aborted) onFailure(service, reason)
      return false
    }
    await transact(db, (tx) => deleteTransaction(tx, serviceNid))
    return true
  }
}
