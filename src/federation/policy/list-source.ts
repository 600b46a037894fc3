import { type Db, transact } from '../../storage/db.ts'
import { findSetting, upsertSetting } from '../../storage/settings.ts'
import type { Clock } from '../../util/clock.ts'
import { ServerList } from './server-list.ts'
import { readSignedList, type SignedList } from './signed-list.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  /** The public key that the list must be signed with (base64). */
  readonly publicKey: string
  /** Reads the list from where it is kept. */
  read(): Promise<string>
  /** Told why a list was not taken; the last good one stays. */
  onRefused(reason: string): void
}

const SETTING = 'federation_list'
/** A name that is not listed makes us look again, no more often than this. */
const PAUSE_MS = 60_000

/** A signed list of servers, kept up to date. The last good one is in the database; an older one is refused. */
export class ListSource {
  readonly #deps: Deps
  #list: SignedList | undefined
  #servers = new ServerList([])
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Takes the list that was good when the server last ran; a newer one comes when it comes. */
  async start(): Promise<void> {
    const kept = await findSetting(this.#deps.db, SETTING)
    if (kept !== undefined) {
      const list = await readSignedList(kept, this.#deps.publicKey)
      if (typeof list !== 'string') this.#use(list)
    }
    this.#refreshBeside()
  }

  /** The listed servers; none, when the list has run out. */
  get servers(): ServerList {
    return this.hasRunOut ? NOBODY : this.#servers
  }

  /** Whether a server has to wait for the next list only: it was on the one that has run out, or there was none yet. */
  isAwaited(serverName: string): boolean {
    return this.hasRunOut && (!this.#list || this.#servers.has(serverName))
  }

  /** Also while there was no list yet. */
  get hasRunOut(): boolean {
    return !this.#list || this.#list.expiresTs <= this.#deps.clock.now()
  }

  /** Somebody is not listed: there may be a newer list. */
  onMiss(): void {
    if (this.#deps.clock.now() - this.#lookedAt < PAUSE_MS) return
    this.#refreshBeside()
  }

  #refreshBeside(): void {
    this.refresh().catch((error: unknown) => this.#deps.onRefused(String(error)))
  }

  /** Looks for a newer list; never twice at once. */
  refresh(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { db, clock, publicKey, read, onRefused } = this.#deps
    this.#lookedAt = clock.now()
    const text = await read().catch((error: unknown) => {
      onRefused(error instanceof Error ? error.message : String(error))
      return undefined
    })
    if (text === undefined) return
    const list = await readSignedList(text, publicKey)
    if (typeof list === 'string') return onRefused(list)
    if (this.#list && list.issuedTs < this.#list.issuedTs) return onRefused('it is older than the one in use')
    if (list.expiresTs <= clock.now()) return onRefused('it has run out')
    if (list.issuedTs === this.#list?.issuedTs) return
    await transact(db, (tx) => upsertSetting(tx, SETTING, text))
    this.#use(list)
  }

  #use(list: SignedList): void {
    this.#list = list
    this.#servers = new ServerList(list.servers)
  }
}

const NOBODY = new ServerList([])
