import { MatrixError } from '../../matrix/errors.ts'
import { type Db, transact } from '../../storage/db.ts'
import { upsertDestination } from '../../storage/destinations.ts'
import { collapseQueue, deleteQueue, deleteQueuedEdus, deleteQueuedEvents } from '../../storage/outbox.ts'
import type { Clock } from '../../util/clock.ts'
import { RemoteFailure } from '../remote-failure.ts'
import type { Health } from './health.ts'
import { type Parcel, pack, transactionText } from './parcel.ts'
import type { PassingEdus } from './passing-edus.ts'

export interface DestinationDeps {
  readonly db: Db
  readonly clock: Clock
  readonly serverName: string
  readonly stop: AbortSignal
  mayFederate(serverName: string): boolean
  /** Sends a transaction (canonical JSON); throws `RemoteFailure`. */
  send(serverName: string, txnId: string, transaction: string, signal: AbortSignal): Promise<unknown>
  newTxnId(): string
  /** Runs a try at a server that does not answer: few at a time, so that they do not hold up the others. */
  probe(work: () => Promise<void>): Promise<void>
  /** Runs the making of a parcel, so that those for many servers do not hold the event loop. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  onDropped(serverName: string, reason: string): void
}

/** Statuses by which a server says that it will never take this transaction. */
const REFUSED = new Set([400, 413, 422])
const MAX_PDUS = 50

/** Sends what waits for one server, in order, one transaction at a time, until nothing does. */
export class Destination {
  readonly serverName: string
  readonly health: Health
  readonly #passing: PassingEdus
  readonly #serverNid: number
  readonly #deps: DestinationDeps
  #isDirty = true
  #rearm = new AbortController()
  #maxPdus = MAX_PDUS
  #last: { key: string; txnId: string } | undefined
  #waitingSince: number | undefined

  constructor(serverName: string, serverNid: number, health: Health, passing: PassingEdus, deps: DestinationDeps) {
    this.serverName = serverName
    this.health = health
    this.#passing = passing
    this.#serverNid = serverNid
    this.#deps = deps
  }

  /** Since when something has been waiting; undefined: nothing is. */
  get waitingSince(): number | undefined {
    return this.#waitingSince
  }

  /** Something new waits. */
  wake(): void {
    this.#isDirty = true
    this.#waitingSince ??= this.#deps.clock.now()
  }

  /** The server spoke to us. */
  onHeard(): void {
    if (this.health.onHeard(this.#deps.clock.now())) this.#rearm.abort()
  }

  /** Returns when nothing waits any more, or the server stops. */
  async drain(): Promise<void> {
    const { db, stop, mayFederate, probe, inTurn } = this.#deps
    while (!stop.aborted) {
      await this.#pause()
      if (stop.aborted) return
      if (!mayFederate(this.serverName)) return this.#forget()
      this.#isDirty = false
      const parcel = await inTurn(() => pack(db, this.#serverNid, this.#passing, this.#maxPdus))
      if (!parcel) {
        // A wake-up between the look and here must not be lost.
        if (this.#isDirty) continue
        this.#waitingSince = undefined
        return
      }
      this.#waitingSince = parcel.oldestTs ?? this.#waitingSince
      const send = () => this.#send(parcel)
      await (this.health.isFailing ? probe(send) : send())
    }
  }

  async #pause(): Promise<void> {
    const { clock, stop } = this.#deps
    for (;;) {
      const wait = this.health.retryAt - clock.now()
      if (wait <= 0 || stop.aborted) return
      this.#rearm = new AbortController()
      await clock.sleep(wait, AbortSignal.any([stop, this.#rearm.signal]))
    }
  }

  async #send(parcel: Parcel): Promise<void> {
    const { clock, serverName, send, newTxnId, stop } = this.#deps
    // The same again has the same id: the server may have taken it although its answer was lost.
    const hasPassed = parcel.passed.texts.length > 0
    const txnId = !hasPassed && this.#last?.key === parcel.key ? this.#last.txnId : newTxnId()
    this.#last = { key: parcel.key, txnId }
    try {
      await send(this.serverName, txnId, transactionText(parcel, serverName, clock.now()), stop)
    } catch (error) {
      if (stop.aborted) return
      if (!(error instanceof RemoteFailure || error instanceof MatrixError)) throw error
      await this.#onFailure(parcel, error)
      return
    }
    this.#maxPdus = MAX_PDUS
    this.#last = undefined
    this.health.onSuccess(clock.now())
    await this.#settle(parcel)
  }

  async #onFailure(parcel: Parcel, error: RemoteFailure | MatrixError): Promise<void> {
    const { db, clock, onDropped } = this.#deps
    const failure = error instanceof RemoteFailure ? error : undefined
    if (failure?.status !== undefined && REFUSED.has(failure.status)) {
      // One event of many may be what it cannot take: it must not hold up the others for ever.
      if (parcel.events > 1) {
        this.#maxPdus = 1
        return
      }
      onDropped(this.serverName, failure.message)
      return this.#settle(parcel)
    }
    this.#passing.giveBack(parcel.passed)
    this.health.onFailure(clock.now(), error.message, failure?.retryAfterMs)
    await transact(db, async (tx) => {
      await upsertDestination(tx, this.health.row)
      if (this.health.isLongGone(clock.now())) await collapseQueue(tx, this.#serverNid)
    })
  }

  /** Takes out of the queue what was sent, or cannot be. */
  async #settle({ lastEventNid, eduIds }: Parcel): Promise<void> {
    await transact(this.#deps.db, async (tx) => {
      if (lastEventNid !== undefined) await deleteQueuedEvents(tx, this.#serverNid, lastEventNid)
      if (eduIds.length > 0) await deleteQueuedEdus(tx, eduIds)
      await upsertDestination(tx, this.health.row)
    })
  }

  /** We no longer talk to that server. */
  async #forget(): Promise<void> {
    await transact(this.#deps.db, (tx) => deleteQueue(tx, this.#serverNid))
    this.#waitingSince = undefined
  }
}
