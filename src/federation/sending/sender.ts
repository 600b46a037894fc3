import { afterCommit, type Db, type Tx, transact } from '../../storage/db.ts'
import { findDestination } from '../../storage/destinations.ts'
import { internNames, nameNids } from '../../storage/names.ts'
import { listWaitingServers, queueEdus } from '../../storage/outbox.ts'
import type { Clock } from '../../util/clock.ts'
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
  /** Sends a transaction (canonical JSON); throws `RemoteFailure`. */
  send(serverName: string, txnId: string, transaction: string, signal: AbortSignal): Promise<unknown>
  /** Told of transactions that a server will never take. */
  onDropped(serverName: string, reason: string): void
  /** Told when sending to a server fails because of us. */
  onCrash(error: unknown): void
}

/** Tries at servers that do not answer, at once. */
const MAX_PROBES = 20
/** Parcels that are made at once. */
const MAX_PACKING = 8
/** After a failure of our own, such as a database that is away. */
const CRASH_PAUSE_MS = 5_000

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
  readonly #stop = new AbortController()
  readonly #destinations = new Map<string, Destination>()
  readonly #loops = new Map<string, Promise<void>>()
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
      stop: this.#stop.signal,
      newTxnId: () => `${run}-${(++this.#txnCount).toString(36)}`,
      probe: (work) => probes.run(work),
      inTurn: (work) =>
        packing.run(async () => {
          if (turn.isOver) await turn.give()
          return work()
        }),
    }
  }

  /** Goes on with what was not sent before the restart. */
  async start(): Promise<void> {
    this.wake(await listWaitingServers(this.#deps.db))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops.values())
  }

  /** Something has been queued for these servers. Call it after the commit. */
  wake(servers: Iterable<string>): void {
    for (const server of servers) this.#wake(server)
  }

  /**
   * Queues what is no event, in the transaction to which it belongs. `precedes`: events wait until it has been sent
   * (device lists, to-device messages).
   */
  async enqueueEdus(tx: Tx, letters: readonly Letter[], precedes: boolean): Promise<void> {
    const servers = new Set(
      letters.flatMap((letter) => [...letter.servers]).filter((name) => this.#isDestination(name)),
    )
    if (servers.size === 0) return
    const nids = await internNames(tx, servers)
    const rows = letters.flatMap((letter) => {
      const edu = eduText(letter.edu)
      return [...new Set(letter.servers)].flatMap((server) => {
        const nid = servers.has(server) ? nids.get(server) : undefined
        return nid === undefined ? [] : [{ server_nid: nid, later: precedes ? 0 : 1, edu }]
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
    this.#destinations.get(server)?.onHeard()
  }

  /** How many servers are being sent to, or waited for. */
  get running(): number {
    return this.#loops.size
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
  async idle(): Promise<void> {
    while (this.#loops.size > 0) await Promise.all(this.#loops.values())
  }

  #isDestination(server: string): boolean {
    return server !== this.#deps.serverName && this.#deps.mayFederate(server)
  }

  #pass(servers: Iterable<string>, put: (passing: PassingEdus) => void): void {
    for (const server of servers) {
      if (!this.#isDestination(server)) continue
      put(this.#passingOf(server))
      this.#wake(server)
    }
  }

  #passingOf(server: string): PassingEdus {
    const passing = this.#passing.get(server) ?? new PassingEdus()
    this.#passing.set(server, passing)
    return passing
  }

  #wake(server: string): void {
    if (this.#stop.signal.aborted || server === this.#deps.serverName) return
    this.#destinations.get(server)?.wake()
    if (this.#loops.has(server)) return
    this.#loops.set(server, this.#run(server))
  }

  /** Never rejects. */
  async #run(server: string): Promise<void> {
    let isBroken = false
    try {
      const destination = this.#destinations.get(server) ?? (await this.#read(server))
      await destination.drain()
    } catch (error) {
      isBroken = true
      this.#deps.onCrash(error)
      await this.#deps.clock.sleep(CRASH_PAUSE_MS, this.#stop.signal)
    }
    this.#loops.delete(server)
    // Woken just as it ended.
    if (isBroken || this.#destinations.get(server)?.waitingSince !== undefined) this.#wake(server)
  }

  async #read(server: string): Promise<Destination> {
    const { db, random } = this.#deps
    const known = (await nameNids(db, [server])).get(server)
    const nid = known ?? (await transact(db, (tx) => internNames(tx, [server]))).get(server) ?? 0
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
    destination.wake()
    this.#destinations.set(server, destination)
    return destination
  }
}
