import type { JsonObject } from '../../matrix/json.ts'
import type { VerifyKeys } from '../../matrix/sign-json.ts'
import { type Db, transact } from '../../storage/db.ts'
import * as table from '../../storage/federation/server-keys.ts'
import { backoffMs } from '../../util/backoff.ts'
import type { Clock } from '../../util/clock.ts'
import { lruCache } from '../../util/lru.ts'
import { Turn } from '../../util/turn.ts'
import { type KeyAnswer, readKeyAnswer } from './key-answer.ts'
import { KnownKeys } from './known-keys.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  /** Asks a server, or a notary that is trusted; undefined when nobody answers with anything that parses. */
  fetch(serverName: string): Promise<unknown>
  /** Whether anything that is signed by that server counts: asked before anything else. */
  mayBelieve(serverName: string): boolean
  /** The only key that is believed of a server. */
  pinnedKey(serverName: string): string | undefined
}

/** Keys of one server that somebody wants. */
export interface WantedKeys {
  readonly serverName: string
  readonly keyIds: readonly string[]
  /** When they must be valid, such as an event's `origin_server_ts`; undefined: validity does not matter. */
  readonly atTs?: number | undefined
}

const MAX_SERVERS = 5_000
/** What a server says of its keys holds at most this long (spec: room version 5, Signing key validity period). */
const LONGEST_MS = 7 * 24 * 3_600_000
/** A server is asked no more often than this, whatever keys others say that it has. */
const PAUSE_MS = 60_000
/** After a failure it is asked again sooner, and less and less often. */
const FIRST_RETRY_MS = 5_000
const LONGEST_RETRY_MS = 3_600_000
/** Keys that end within this time are asked for beside their use. */
const REFRESH_AHEAD_MS = 3_600_000

/** The verify keys of other servers (spec: server-server API, Retrieving server keys): asked for once, and kept. */
export class KeyRing {
  readonly #deps: Deps
  readonly #known = lruCache<string, KnownKeys>(MAX_SERVERS)
  readonly #asking = new Map<string, Promise<KnownKeys>>()
  readonly #pauses = lruCache<string, { until: number; failures: number }>(MAX_SERVERS)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Those of the server's keys that exist and are valid at `atTs`. Never rejects because of the other server: keys that
   * cannot be had are missing from the answer.
   */
  async verifyKeys(serverName: string, keyIds: readonly string[], atTs?: number): Promise<VerifyKeys> {
    const [keys] = await this.verifyKeysOf([{ serverName, keyIds, atTs }])
    return keys ?? new Map()
  }

  /** The same for many at once: one query for all servers, and one request for each that has to be asked. */
  async verifyKeysOf(wanted: readonly WantedKeys[]): Promise<VerifyKeys[]> {
    const names = [...new Set(wanted.map(({ serverName }) => serverName))]
    const allowed = names.filter((name) => this.#deps.mayBelieve(name))
    await this.#load(allowed)
    const keys = new Map(allowed.map((name) => [name, this.#known.get(name) ?? NO_KEYS]))
    const turn = new Turn()
    const asked = new Set<string>()
    for (const { serverName, keyIds, atTs } of wanted) {
      if (keys.get(serverName)?.mayLearn(keyIds, atTs)) asked.add(serverName)
      if (turn.isOver) await turn.give()
    }
    for (const [name, { validUntilTs }] of keys) {
      if (!asked.has(name) && validUntilTs < this.#deps.clock.now() + REFRESH_AHEAD_MS) this.#refresh(name)
    }
    await Promise.all(
      [...asked].map(async (name) => {
        const told = await this.#ask(name)
        if (told) keys.set(name, told)
      }),
    )
    const found: VerifyKeys[] = []
    for (const { serverName, keyIds, atTs } of wanted) {
      found.push((keys.get(serverName) ?? NO_KEYS).valid(keyIds, atTs))
      if (turn.isOver) await turn.give()
    }
    return found
  }

  /** What the servers said of their own keys, asked anew where that has ended: for those to whom we are a notary. */
  async answersOf(serverNames: readonly string[], validUntilTs: number): Promise<JsonObject[]> {
    const allowed = serverNames.filter((name) => this.#deps.mayBelieve(name))
    const before = await table.listServerKeyAnswers(this.#deps.db, allowed)
    const now = this.#deps.clock.now()
    const isFresh = (row: table.ServerKeyAnswerRow) =>
      row.valid_until_ts >= validUntilTs && now < (row.fetched_ts + row.valid_until_ts) / 2
    const fresh = new Set(before.filter(isFresh).map((row) => row.server_name))
    const stale = allowed.filter((name) => !fresh.has(name))
    if (stale.length === 0) return before.map(({ json }) => JSON.parse(json) as JsonObject)
    await Promise.all(stale.map((name) => this.#ask(name)))
    const after = await table.listServerKeyAnswers(this.#deps.db, allowed)
    return after.map(({ json }) => JSON.parse(json) as JsonObject)
  }

  /** A server is there again: it may be asked at once. */
  forgive(serverName: string): void {
    if (this.#pauses.get(serverName)?.failures) this.#pauses.delete(serverName)
  }

  async #load(serverNames: Iterable<string>): Promise<void> {
    const missing = [...serverNames].filter((name) => !this.#known.has(name))
    if (missing.length === 0) return
    const rows = Map.groupBy(await table.listServerKeys(this.#deps.db, missing), (row) => row.server_name)
    for (const name of missing) if (!this.#known.has(name)) this.#keep(name, rows.get(name) ?? [])
  }

  #refresh(serverName: string): void {
    this.#ask(serverName)?.catch(() => {}) // a refresh that fails leaves everything as it was
  }

  /** Asks a server, if it is not being asked; undefined where it was asked too lately. */
  #ask(serverName: string): Promise<KnownKeys> | undefined {
    const asking = this.#asking.get(serverName)
    if (asking) return asking
    if ((this.#pauses.get(serverName)?.until ?? 0) > this.#deps.clock.now()) return undefined
    const started = this.#learn(serverName).finally(() => this.#asking.delete(serverName))
    this.#asking.set(serverName, started)
    return started
  }

  async #learn(serverName: string): Promise<KnownKeys> {
    const { db, clock, fetch, pinnedKey } = this.#deps
    const json = await fetch(serverName).catch(() => undefined)
    const answer = await readKeyAnswer(json, serverName, pinnedKey(serverName))
    const now = clock.now()
    if (!answer) {
      const failures = (this.#pauses.get(serverName)?.failures ?? 0) + 1
      const pause = backoffMs(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS)
      this.#pauses.set(serverName, { until: now + pause, failures })
      return this.#known.get(serverName) ?? NO_KEYS
    }
    this.#pauses.set(serverName, { until: now + PAUSE_MS, failures: 0 })
    const rows = rowsOf(answer, now)
    const validUntilTs = Math.min(answer.validUntilTs, now + LONGEST_MS)
    await transact(db, async (tx) => {
      await table.upsertServerKeys(tx, rows)
      const json = JSON.stringify(answer.json)
      await table.upsertServerKeyAnswer(tx, {
        server_name: serverName,
        json,
        valid_until_ts: validUntilTs,
        fetched_ts: now,
      })
    })
    return this.#keep(serverName, await table.listServerKeys(db, [serverName]))
  }

  /** Keys from before a server's key was pinned do not count. */
  #keep(serverName: string, rows: readonly table.ServerKeyRow[]): KnownKeys {
    const pinned = this.#deps.pinnedKey(serverName)
    const counting = rows.filter((row) => pinned === undefined || row.expired_ts !== null || row.public_key === pinned)
    const known = new KnownKeys(counting)
    this.#known.set(serverName, known)
    return known
  }
}

const NO_KEYS = new KnownKeys([])

const rowsOf = ({ serverName, keys, validUntilTs }: KeyAnswer, now: number): table.ServerKeyRow[] =>
  keys.map(({ keyId, publicKey, expiredTs }) => ({
    server_name: serverName,
    key_id: keyId,
    public_key: publicKey,
    valid_until_ts: Math.min(validUntilTs, now + LONGEST_MS),
    expired_ts: expiredTs ?? null,
  }))
