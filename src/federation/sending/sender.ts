import { afterCommit, type Db, type Tx, transact } from '../../storage/db.ts'
import { findDestination } from '../../storage/federation/destinations.ts'
import { listWaitingServers, queueEdus } from '../../storage/federation/outbox.ts'
import { internName, internNames, nameNids } from '../../storage/names.ts'
import type { Clock } from '../../util/clock.ts'
import { Loops } from '../../util/loops.ts'
import { Slots } from '../../util/slots.ts'
import { Turn } from '../../util/turn.ts'
import { Destination, type DestinationDeps } from './destination.ts'
import { type Edu, eduText, type Letter } from './edu.ts'
import { Health } from './health.ts'
import { PassingEdus, type PassingReceipt } from './passing-edus.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly serverName: string
  random(): number
  mayFederate(serverName: string): boolean
  /** Whether we do not talk to that server now, but will again: what must arrive is kept for it. */
  isSuspended(serverName: string): boolean
  /** Sends a transaction (canonical JSON); throws `RemoteFailure`. */
  send(serverName: string, txnId: string, transaction: string, signal: AbortSignal): Promise<unknown>
  /** Told of what a server will never take: an event's id, or the type of an EDU. */
  onDropped(serverName: string, part: string, reason: string): void
  /** Told, once until it is sent again, that more is waiting of what passes than is kept for a server. */
  onShed(serverName: string): void
  /** Told when sending to a server fails because of us. */
  onCrash(error: unknown): void
}

/** Tries at servers that do not answer, at once. */
const MAX_PROBES = 20
/** Parcels that are made at once. */
const MAX_PACKING = 8
/** What of a destination is of interest beside the tables. */
export interface DestinationState {
  readonly serverName: string
  /** Since when something has been waiting. */
  readonly waitingSince: number | undefined
  readonly failures: number
}

/**
 * Brings what the tables queue to other servers, and what passes too quickly for a table. The table is the queue; here is
 * only who has to be woken. One loop for each server to which something is to be sent.
 */
export class Sender {
  readonly #deps: Deps
  readonly #loops: Loops<string>
  readonly #destinations = new Map<string, Destination>()
  readonly #passing = new Map<string, PassingEdus>()
  readonly #destinationDeps: DestinationDeps
  #txnCount = 0

  constructor(deps: Deps) {
    this.#deps = deps
    const probes = new Slots(MAX_PROBES)
    const packing = new Slots(MAX_PACKING)
    const turn = new Turn()
    // Never one that another run has used, even if the clock was set back: the server would take it for the same again.
    const run = `${deps.clock.now().toString(36)}-${Math.floor(deps.random() * 2 ** 32).toString(36)}`
    this.#destinationDeps = {
      ...deps,
      newTxnId: () => `${run}-${(++this.#txnCount).toString(36)}`,
      probe: (work) => probes.run(work),
      inTurn: (work) =>
        packing.run(async () => {
          if (turn.isOver) await turn.give()
          return work()
        }),
    }
    this.#loops = new Loops({
      clock: deps.clock,
      step: async (server, signal) => (this.#destinations.get(server) ?? (await this.#read(server))).step(signal),
      onCrash: deps.onCrash,
    })
  }

  /** Goes on with what was not sent before the restart. */
  async start(): Promise<void> {
    this.wake(await listWaitingServers(this.#deps.db))
  }

  close(): Promise<void> {
    return this.#loops.close()
  }

  /** Something has been queued for these servers. Call it after the commit. */
  wake(servers: Iterable<string>): void {
    for (const server of servers) this.#wake(server)
  }

  /**
   * Queues what is no event and must arrive, in the transaction to which it belongs: device lists, to-device messages.
   * Events wait until it has been sent.
   */
  async enqueueEdus(tx: Tx, letters: readonly Letter[]): Promise<void> {
    const servers = new Set(letters.flatMap((letter) => [...letter.servers]).filter((name) => this.#isKeptFor(name)))
    if (servers.size === 0) return
    const nids = await internNames(tx, servers)
    const rows = letters.flatMap((letter) => {
      const edu = eduText(letter.edu)
      return [...new Set(letter.servers)].flatMap((server) => {
        const nid = servers.has(server) ? nids.get(server) : undefined
        return nid === undefined ? [] : [{ server_nid: nid, edu }]
      })
    })
    await queueEdus(tx, rows)
    afterCommit(tx, () => this.wake(servers))
  }

  /** Sends something that is worth it only while it is new. `key`: what it replaces if that has not been sent yet. */
  pass(servers: Iterable<string>, key: string, edu: Edu): void {
    this.#pass(servers, (passing) => passing.put(key, edu))
  }

  passReceipt(servers: Iterable<string>, receipt: PassingReceipt): void {
    this.#pass(servers, (passing) => passing.putReceipt(receipt))
  }

  /** A server has spoken to us, so it may be there again. */
  onHeard(server: string): void {
    if (this.#destinations.get(server)?.onHeard()) this.#loops.rearm(server)
  }

  /** How many servers are being sent to, or waited for. */
  get running(): number {
    return this.#loops.running
  }

  /** For the metrics. */
  states(): DestinationState[] {
    return [...this.#destinations.values()].map(({ serverName, waitingSince, health }) => ({
      serverName,
      waitingSince,
      failures: health.row.failures,
    }))
  }

  /** Resolves when nothing is being sent: for tests. */
  idle(): Promise<void> {
    return this.#loops.idle()
  }

  #isDestination(server: string): boolean {
    return server !== this.#deps.serverName && this.#deps.mayFederate(server)
  }

  #isKeptFor(server: string): boolean {
    return this.#isDestination(server) || this.#deps.isSuspended(server)
  }

  #pass(servers: Iterable<string>, put: (passing: PassingEdus) => void): void {
    for (const server of servers) {
      if (!this.#isDestination(server)) continue
      put(this.#passingOf(server))
      this.#wake(server)
    }
  }

  #passingOf(server: string): PassingEdus {
    const passing = this.#passing.get(server) ?? new PassingEdus(() => this.#deps.onShed(server))
    this.#passing.set(server, passing)
    return passing
  }

  #wake(server: string): void {
    if (server === this.#deps.serverName) return
    this.#destinations.get(server)?.onWaiting()
    this.#loops.wake(server)
  }

  async #read(server: string): Promise<Destination> {
    const { db, random } = this.#deps
    const known = (await nameNids(db, [server])).get(server)
    const nid = known ?? (await transact(db, (tx) => internName(tx, server)))
    const row = await findDestination(db, nid)
    const blank = {
      server_nid: nid,
      failures: 0,
      failing_since: null,
      retry_at: 0,
      last_success_ts: null,
      last_error: null,
    }
    const destination = new Destination(
      server,
      nid,
      new Health(row ?? blank, random),
      this.#passingOf(server),
      this.#destinationDeps,
    )
    destination.onWaiting()
    this.#destinations.set(server, destination)
    return destination
  }
}
