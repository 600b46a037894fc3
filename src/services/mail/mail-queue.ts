import { afterCommit, type Db, type Tx, transact } from '../../storage/db.ts'
import * as table from '../../storage/mail-queue.ts'
import { backoffMs } from '../../util/backoff.ts'
import type { Clock } from '../../util/clock.ts'
import { Loops } from '../../util/loops.ts'

export interface Mail {
  readonly recipient: string
  readonly subject: string
  readonly text: string
}

/** What the mail server made of a mail: it took it, it never will, or it may take it later. `reason` holds no address. */
export type Delivery = { readonly is: 'taken' } | { readonly is: 'refused' | 'postponed'; readonly reason: string }

interface Deps {
  readonly db: Db
  readonly clock: Clock
  /** A mail that could not be delivered for so long is worth nothing any more. */
  readonly lifetimeMs: number
  deliver(mail: Mail): Promise<Delivery>
  /** Told that a mail will not be tried again, or that the mail server cannot be used now. */
  onUndelivered(delivery: { readonly reason: string; readonly willRetry: boolean }): void
  onCrash(error: unknown): void
}

const FIRST_RETRY_MS = 15_000
const MAX_RETRY_MS = 600_000
const THE_QUEUE = 'mail'

/** Mail on its way out. The table is the queue; one mail at a time, those that failed behind the others. */
export class MailQueue {
  readonly #deps: Deps
  readonly #loops: Loops<typeof THE_QUEUE>

  constructor(deps: Deps) {
    this.#deps = deps
    this.#loops = new Loops({
      clock: deps.clock,
      step: (_key, signal) => this.#sendNext(signal),
      onCrash: deps.onCrash,
    })
  }

  /** Goes on with what was not sent before the restart. */
  start(): void {
    this.#loops.wake(THE_QUEUE)
  }

  close(): Promise<void> {
    return this.#loops.close()
  }

  /** Part of the transaction that makes the mail necessary. */
  async add(tx: Tx, mail: Mail): Promise<void> {
    await table.insertMail(tx, mail, this.#deps.clock.now())
    afterCommit(tx, () => {
      this.#loops.wake(THE_QUEUE)
      this.#loops.rearm(THE_QUEUE)
    })
  }

  async #sendNext(signal: AbortSignal): Promise<number | undefined> {
    const { db, clock, lifetimeMs, deliver, onUndelivered } = this.#deps
    const mail = await table.findNextMail(db)
    if (!mail) return undefined
    const waitMs = mail.retry_at - clock.now()
    if (waitMs > 0) return waitMs
    // A mail server that does not answer keeps nobody from stopping; the mail stays, and may be sent twice.
    const delivery = await unlessAborted(deliver(mail), signal)
    if (!delivery) return undefined
    const retryMs = backoffMs(mail.attempts + 1, FIRST_RETRY_MS, MAX_RETRY_MS)
    const retryAt = clock.now() + retryMs
    const willRetry = delivery.is === 'postponed' && retryAt < mail.created_ts + lifetimeMs
    if (delivery.is !== 'taken') onUndelivered({ reason: delivery.reason, willRetry })
    await transact(db, (tx) =>
      willRetry ? table.updateMailFailed(tx, mail.id, mail.attempts + 1, retryAt) : table.deleteMail(tx, mail.id),
    )
    return 0
  }
}

/** What the work results in; undefined if the signal aborts first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const stop = () => resolve(undefined)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
