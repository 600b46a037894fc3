import { RemoteFailure } from '../../../federation/remote-failure.ts'
import type { QueryRequests } from '../../../federation/requests/queries.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import type { UserId } from '../../../matrix/ids.ts'
import type { Db } from '../../../storage/db.ts'
import { listStale, listStaleServers } from '../../../storage/keys/remote-lists.ts'
import { backoffMs } from '../../../util/backoff.ts'
import type { Clock } from '../../../util/clock.ts'
import { Slots } from '../../../util/slots.ts'
import type { Lanes } from './lanes.ts'
import type { RemoteLists } from './remote-lists.ts'
import { type RemoteUser, readDevicesAnswer } from './remote-user.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly queries: QueryRequests
  readonly lanes: Lanes
  readonly remoteLists: RemoteLists
  mayFederate(server: string): boolean
  /** A number in [0, 1), so that servers which ask one that was away do not ask it together. */
  random(): number
  /** Told when reading lists fails because of us. */
  onCrash(error: unknown): void
}

/** Servers asked at once. */
const MAX_SERVERS = 10
const PAGE = 50
const TIMEOUT_MS = 30_000
const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 3_600_000
const NOBODY: RemoteUser = { devices: [], crossSigning: [], streamId: undefined }

/** What goes on with one server. */
interface Loop {
  readonly running: Promise<void>
  /** A list became stale since the last look. */
  isDirty: boolean
  /** Ends the pause after a failure. */
  rearm: AbortController
}

/**
 * Reads device lists again that are out of date, until their servers answer: the table says which, so that a restart
 * forgets none. One loop for each server.
 */
export class ListRepairs {
  readonly #deps: Deps
  readonly #loops = new Map<string, Loop>()
  readonly #slots = new Slots(MAX_SERVERS)
  readonly #stop = new AbortController()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async start(): Promise<void> {
    for (const server of await listStaleServers(this.#deps.db)) this.wake(server)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([...this.#loops.values()].map(({ running }) => running))
  }

  /** A list of this server is out of date. */
  wake(server: string): void {
    if (this.#stop.signal.aborted) return
    const loop = this.#loops.get(server)
    if (loop) loop.isDirty = true
    else {
      const running = Promise.resolve().then(() => this.#run(server))
      this.#loops.set(server, { running, isDirty: false, rearm: new AbortController() })
    }
  }

  /** The server has spoken to us, so that it may answer now. */
  onHeard(server: string): void {
    this.#loops.get(server)?.rearm.abort()
  }

  /** Resolves when no list is being read: for tests. */
  async idle(): Promise<void> {
    while (this.#loops.size > 0) await Promise.all([...this.#loops.values()].map(({ running }) => running))
  }

  /** Never rejects. */
  async #run(server: string): Promise<void> {
    const { clock, random, mayFederate, onCrash } = this.#deps
    const { signal } = this.#stop
    const loop = this.#loops.get(server)
    for (let failures = 0; loop && !signal.aborted && mayFederate(server); ) {
      loop.isDirty = false
      const isDone = await this.#slots.run(() => this.#pass(server)).catch(onCrash)
      if (isDone && !loop.isDirty) break
      if (isDone) continue
      const pause = backoffMs(++failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS) * (1 + 0.2 * random())
      loop.rearm = new AbortController()
      await clock.sleep(FIRST_PAUSE_MS, signal)
      await clock.sleep(pause - FIRST_PAUSE_MS, AbortSignal.any([signal, loop.rearm.signal]))
    }
    this.#loops.delete(server)
  }

  /** Goes through the stale lists of a server; true when all have been read. */
  async #pass(server: string): Promise<boolean> {
    let isDone = true
    for (let after = 0; !this.#stop.signal.aborted; ) {
      const page = await listStale(this.#deps.db, server, after, PAGE)
      for (const { user_id: userId } of page) {
        const outcome = await this.#read(server, userId)
        if (outcome === 'away') return false
        if (outcome === 'refused') isDone = false
      }
      const last = page.at(-1)
      if (!last || page.length < PAGE) return isDone
      after = last.user_nid
    }
    return false
  }

  async #read(server: string, userId: UserId): Promise<'read' | 'refused' | 'away'> {
    const { queries, lanes, remoteLists } = this.#deps
    try {
      await lanes.run(server, TIMEOUT_MS, async () => {
        const reading = await remoteLists.begin([userId])
        await remoteLists.finish(reading, new Map([[userId, await this.#devicesOf(queries, userId)]]))
      })
      return 'read'
    } catch (error) {
      if (!(error instanceof RemoteFailure || error instanceof MatrixError)) throw error
      return error instanceof RemoteFailure && error.status !== undefined ? 'refused' : 'away'
    }
  }

  async #devicesOf(queries: QueryRequests, userId: UserId): Promise<RemoteUser> {
    try {
      return readDevicesAnswer(await queries.getUserDevices(userId), userId)
    } catch (error) {
      // There is no such user any more.
      if (error instanceof RemoteFailure && error.errcode === 'M_NOT_FOUND') return NOBODY
      throw error
    }
  }
}
