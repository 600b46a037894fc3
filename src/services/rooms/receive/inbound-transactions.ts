import { badJson, MatrixError } from '../../../matrix/errors.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { findInboundTransaction, insertInboundTransaction } from '../../../storage/federation/inbound-transactions.ts'
import { internName, nameNids } from '../../../storage/names.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Edus } from '../../edus.ts'
import type { Inbox } from './inbox.ts'

const MAX_PDUS = 50
const MAX_EDUS = 100
/** Transactions of one server that wait for the one before; an honest server sends the next one after the answer. */
const MAX_WAITING = 4

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly inbox: Inbox
  readonly edus: Edus
}

export interface Transaction {
  readonly txnId: string
  readonly pdus: readonly unknown[]
  readonly edus: readonly unknown[]
}

/**
 * Transactions of other servers (spec: server-server API, Transactions): one at a time for each server, so that no flood
 * of one keeps the others waiting; each once, whatever becomes of its answer. No other server is asked for anything but
 * keys while one is worked through, so that the answer comes soon.
 */
export class InboundTransactions {
  readonly #deps: Deps
  readonly #running = new Map<string, Map<string, Promise<string>>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answer as JSON text: what became of each event. */
  receive(origin: string, transaction: Transaction): Promise<string> {
    const { txnId, pdus, edus } = transaction
    if (pdus.length > MAX_PDUS || edus.length > MAX_EDUS) {
      throw badJson(`A transaction has at most ${MAX_PDUS} PDUs and ${MAX_EDUS} EDUs`)
    }
    const ofOrigin = this.#running.get(origin) ?? new Map<string, Promise<string>>()
    const same = ofOrigin.get(txnId)
    if (same) return same
    if (ofOrigin.size > MAX_WAITING) {
      throw new MatrixError('M_LIMIT_EXCEEDED', 'Wait for the answer to your last transaction', {
        fields: { retry_after_ms: 1000 },
      })
    }
    const before = [...ofOrigin.values()].at(-1)
    const work = this.#after(before, origin, transaction).finally(() => {
      ofOrigin.delete(txnId)
      if (ofOrigin.size === 0) this.#running.delete(origin)
    })
    ofOrigin.set(txnId, work)
    this.#running.set(origin, ofOrigin)
    return work
  }

  async #after(before: Promise<unknown> | undefined, origin: string, transaction: Transaction): Promise<string> {
    await before?.catch(() => {}) // whoever sent it was told
    const { db, clock, inbox, edus } = this.#deps
    const serverNid = (await nameNids(db, [origin])).get(origin)
    const answered = serverNid && (await findInboundTransaction(db, serverNid, transaction.txnId))
    if (answered) return answered
    const receivedTs = clock.now()
    await edus.receive(origin, transaction.edus, 'before events')
    const results = await inbox.receive(origin, transaction.pdus)
    await edus.receive(origin, transaction.edus, 'after events')
    const pdus = [...results].map(([eventId, error]) => [eventId, error === undefined ? {} : { error }])
    const answer = JSON.stringify({ pdus: Object.fromEntries(pdus) })
    await transact(db, async (tx) => {
      const nid = await internName(tx, origin)
      await insertInboundTransaction(tx, { serverNid: nid, txnId: transaction.txnId, answer, receivedTs })
    })
    return answer
  }
}
