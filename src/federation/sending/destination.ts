import { MatrixError } from '../../matrix/errors.ts'
import { type Db, transact } from '../../storage/db.ts'
import { deleteInPieces } from '../../storage/expire.ts'
import { upsertDestination } from '../../storage/federation/destinations.ts'
import { deleteQueue, deleteQueuedEdus, deleteQueuedEvents } from '../../storage/federation/outbox.ts'
import type { Clock } from '../../util/clock.ts'
import { RemoteFailure } from '../remote-failure.ts'
import { collapseQueue } from './collapse.ts'
import { eduType } from './edu.ts'
import type { Health } from './health.ts'
import { type Parcel, pack, transactionText } from './parcel.ts'
import type { PassingEdus } from './passing-edus.ts'
import { Portion } from './portion.ts'

export interface DestinationDeps {
  readonly db: Db
  readonly clock: Clock
  readonly serverName: string
  mayFederate(serverName: string): boolean
  /** Whether we do not talk to that server now, but will again. */
  isSuspended(serverName: string): boolean
  /** Sends a transaction (canonical JSON); throws `RemoteFailure`. */
  send(serverName: string, txnId: string, transaction: string, signal: AbortSignal): Promise<unknown>
  newTxnId(): string
  /** Runs a try at a server that does not answer: few at a time, so that they do not hold up the others. */
  probe(work: () => Promise<void>): Promise<void>
  /** Runs the making of a parcel, so that those for many servers do not hold the event loop. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  /** Told of what a server will never take: an event's id, or the type of an EDU. */
  onDropped(serverName: string, part: string, reason: string): void
}

/** Statuses by which a server says that it will never take this transaction. */
const REFUSED = new Set([400, 413, 422])
const TOO_LARGE = 413
/** How often it is looked whether we talk to a server again. */
const SUSPENDED_PAUSE_MS = 60_000

/**
 * Whether the transaction itself was refused. Only a server says so with an errcode; what stands before it, and is set up
 * wrongly, says 400 to everything, and nothing may be lost by that. But it does say what is too large.
 */
const isRefusal = ({ status, errcode }: RemoteFailure): boolean =>
  status !== undefined && REFUSED.has(status) && (errcode !== undefined || status === TOO_LARGE)

/** Sends what waits for one server, in order, one transaction at a time. */
export class Destination {
  readonly serverName: string
  readonly health: Health
  readonly #passing: PassingEdus
  readonly #serverNid: number
  readonly #deps: DestinationDeps
  readonly #portion = new Portion()
  #last: { key: string; txnId: string } | undefined
  #waitingSince: number | undefined
  #isSuspended = false

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
  onWaiting(): void {
    this.#waitingSince ??= this.#deps.clock.now()
  }

  /** The server spoke to us; true where it is to be tried earlier. */
  onHeard(): boolean {
    return this.health.onHeard(this.#deps.clock.now())
  }

  /** Sends one transaction: a step for `Loops`. */
  async step(signal: AbortSignal): Promise<number | undefined> {
    const { db, clock, mayFederate, isSuspended, probe, inTurn } = this.#deps
    if (!mayFederate(this.serverName)) return isSuspended(this.serverName) ? this.#suspend() : this.#forget()
    this.#resume()
    const pause = this.health.retryAt - clock.now()
    if (pause > 0) return pause
    const parcel = await inTurn(() => pack(db, this.#serverNid, this.#passing, this.#portion.maxParts))
    this.#waitingSince = parcel && (parcel.oldestTs ?? this.#waitingSince)
    if (!parcel) return undefined
    const send = () => this.#send(parcel, signal)
    await (this.health.isFailing ? probe(send) : send())
    return 0
  }

  async #send(parcel: Parcel, stop: AbortSignal): Promise<void> {
    const { clock, serverName, send, newTxnId } = this.#deps
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
    this.#portion.onAccepted(parcel.pdus.length + parcel.edus.length)
    this.#passing.onArrived()
    this.#last = undefined
    this.health.onSuccess(clock.now())
    await this.#settle(parcel)
  }

  async #onFailure(parcel: Parcel, error: RemoteFailure | MatrixError): Promise<void> {
    const failure = error instanceof RemoteFailure ? error : undefined
    if (failure && isRefusal(failure)) return this.#onRefused(parcel, failure)
    await this.#onLost(parcel, error.message, failure?.retryAfterMs)
  }

  async #onRefused(parcel: Parcel, failure: RemoteFailure): Promise<void> {
    const parts = [...parcel.eventIds, ...parcel.edus.map(eduType)]
    // One part is never too large for a server, so it is a proxy that has to be mended.
    if (parts.length === 1 && failure.errcode === undefined)
      return this.#onLost(parcel, failure.message, failure.retryAfterMs)
    this.#last = undefined
    const verdict = this.#portion.onRefused(parts.length)
    if (verdict === 'split') return this.#passing.giveBack(parcel.passed)
    this.#deps.onDropped(this.serverName, parts.join(), failure.message)
    await this.#settle(parcel)
    if (verdict === 'pause') await this.#onAway(failure.message, failure.retryAfterMs)
  }

  /** Nothing of it has arrived: it goes again, later. */
  async #onLost(parcel: Parcel, reason: string, retryAfterMs: number | undefined): Promise<void> {
    this.#passing.giveBack(parcel.passed)
    await this.#onAway(reason, retryAfterMs)
  }

  async #onAway(reason: string, retryAfterMs: number | undefined): Promise<void> {
    const { db, clock } = this.#deps
    this.#passing.onAway()
    this.health.onFailure(clock.now(), reason, retryAfterMs)
    await transact(db, (tx) => upsertDestination(tx, this.health.row))
    if (this.health.isLongGone(clock.now())) await collapseQueue(db, this.#serverNid)
  }

  /** Takes out of the queue what was sent, or cannot be. */
  async #settle({ lastEventNid, eduIds }: Parcel): Promise<void> {
    await transact(this.#deps.db, async (tx) => {
      if (lastEventNid !== undefined) await deleteQueuedEvents(tx, this.#serverNid, lastEventNid)
      if (eduIds.length > 0) await deleteQueuedEdus(tx, eduIds)
      await upsertDestination(tx, this.health.row)
    })
  }

  /** What waits goes on waiting, as if the server were away. */
  async #suspend(): Promise<number> {
    this.#isSuspended = true
    await this.#onAway('the federation list has run out', undefined)
    return SUSPENDED_PAUSE_MS
  }

  #resume(): void {
    if (this.#isSuspended) this.onHeard()
    this.#isSuspended = false
  }

  /** We no longer talk to that server. */
  async #forget(): Promise<undefined> {
    await deleteInPieces(this.#deps.db, (tx, limit) => deleteQueue(tx, this.#serverNid, limit))
    this.#waitingSince = undefined
  }
}
