import type { Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import type { MediaRequests, RemoteFile } from '../../federation/requests/media.ts'
import { MatrixError } from '../../matrix/errors.ts'
import { isServerName } from '../../matrix/ids.ts'
import { type Db, transact } from '../../storage/db.ts'
import * as table from '../../storage/media/media.ts'
import { type Clock, DAY_MS } from '../../util/clock.ts'
import { lruCache } from '../../util/lru.ts'
import { Gate } from '../gate.ts'
import { contentTypeOf } from './content-type.ts'
import { filenameOf } from './filename.ts'
import type { MediaFiles } from './files.ts'
import { fileOf, isMediaId, type MediaFile, type MediaName, unknownMedia } from './media-file.ts'
import { boundedContent, remoteError, remoteTooLarge } from './remote-content.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly files: MediaFiles
  readonly requests: Pick<MediaRequests, 'download'>
  mayFederate(serverName: string): boolean
  /** Larger files are not fetched. */
  readonly maxBytes: number
  /** Whether a file is handed on while it comes: not where a scanner must see it first. */
  readonly mayStream: boolean
  /** A file that was fetched must not be kept. */
  onRefused(name: MediaName): Promise<unknown>
  /** Told of every file that was fetched. */
  onStored(bytes: number): void
}

/** A file that can be read while it is being fetched. */
export interface ArrivingMedia {
  readonly contentType: string
  readonly filename: string | undefined
  /** Its size, where the other server says it. */
  readonly bytes: number | undefined
  read(): Readable
}

/** How somebody asks: see `Asking`. */
export interface RemoteAsking {
  readonly waitMs: number
  readonly signal: AbortSignal
  readonly who: string
}

/** One fetch for all who ask. */
interface Fetch {
  /** Settles as soon as there is something to read. */
  readonly readable: Promise<MediaFile | ArrivingMedia>
  readonly whole: Promise<MediaFile>
}

/** Files fetched at once: of one server half of the connections to it, so that events still get through. */
const PER_SERVER = 4
const IN_ALL = 32
/** For one user: servers that answer slowly, and large files, must not take all places. */
const PER_USER = 16
const PER_SERVER_AND_USER = 3
const MAX_WAITING = 200
const MAX_SERVERS = 1000
const MAX_TOO_LARGE = 10_000
/** A file this small is here before anybody has begun to read it. */
const SMALL_BYTES = 64 * 1024
/** What the parts of an answer have around the file. */
const MAX_FRAME_BYTES = 32 * 1024
/** Added to what the client grants the other server. */
const NETWORK_MS = 30_000

/**
 * Files of other servers: fetched when first asked for, once however many ask, handed on while they come, and kept (spec:
 * server-server API, Content Repository).
 */
export class RemoteMedia {
  readonly #deps: Deps
  readonly #running = new Map<string, Fetch>()
  /** Addresses that it would be in vain to ask for again. */
  readonly #tooLarge = lruCache<string, true>(MAX_TOO_LARGE)
  readonly #stop = new AbortController()
  readonly #gate = new Gate(IN_ALL, MAX_WAITING, 'Too many files are being fetched at once', PER_USER)
  readonly #gates = new LRUCache<string, Gate, void>({
    max: MAX_SERVERS,
    memoMethod: () =>
      new Gate(PER_SERVER, MAX_WAITING, 'Too many files of that server are being fetched at once', PER_SERVER_AND_USER),
  })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * A file of another server, from here or, with `mayFetch`, from there. `M_NOT_FOUND`, also for servers that we do not
   * talk to, whatever is here of them; `M_NOT_YET_UPLOADED`; 502 `M_TOO_LARGE`; 502 `M_UNKNOWN` for a server that is away.
   */
  async find(name: MediaName, asking: RemoteAsking & { mayFetch: boolean }) {
    const running = this.#runningFor(name)
    return (await this.#kept(name)) ?? this.#patiently(this.#fetch(name, asking, running).readable, asking)
  }

  /** The same, when all of it is here. */
  async findWhole(name: MediaName, asking: RemoteAsking & { mayFetch: boolean }): Promise<MediaFile> {
    const running = this.#runningFor(name)
    return (await this.#kept(name)) ?? this.#patiently(this.#fetch(name, asking, running).whole, asking)
  }

  /** Gives up what is under way: it is asked for again. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled([...this.#running.values()].map(({ whole }) => whole))
  }

  /** What is here of it; undefined where it may be fetched. */
  async #kept(name: MediaName): Promise<MediaFile | undefined> {
    const { db, clock, mayFederate } = this.#deps
    const { serverName, mediaId } = name
    if (!isServerName(serverName) || !isMediaId(mediaId) || !mayFederate(serverName)) throw unknownMedia()
    const row = await table.findMedia(db, name)
    const now = clock.now()
    if (row === undefined) {
      if (await table.isQuarantined(db, table.mediaAddress(name))) throw unknownMedia()
      return undefined
    }
    const file = fileOf(row, now)
    if ((row.usedTs ?? now) <= now - DAY_MS) await transact(db, (tx) => table.touchCopy(tx, name, now))
    return file
  }

  /** What is under way may end while one looks whether the file is here, and then it must not be fetched again. */
  #runningFor(name: MediaName): Fetch | undefined {
    return this.#running.get(table.mediaAddress(name))
  }

  #fetch(
    name: MediaName,
    { waitMs, who, mayFetch }: RemoteAsking & { mayFetch: boolean },
    before: Fetch | undefined,
  ): Fetch {
    if (!mayFetch) throw unknownMedia()
    const address = table.mediaAddress(name)
    if (this.#tooLarge.has(address)) throw remoteTooLarge()
    const running = before ?? this.#running.get(address)
    if (running) return running
    const begun = Promise.withResolvers<ArrivingMedia>()
    const whole = this.#gates
      .memo(name.serverName)
      .run(() => this.#gate.run(() => this.#receive(name, waitMs, begun.resolve), who), who)
      .finally(() => this.#running.delete(address))
    const fetch = { readable: Promise.race([begun.promise, whole]), whole }
    fetch.readable.catch(() => {}) // whoever waits is told; nobody may
    whole.catch((error) => {
      if (error instanceof MatrixError && error.errcode === 'M_TOO_LARGE') this.#tooLarge.set(address, true)
    })
    this.#running.set(address, fetch)
    return fetch
  }

  async #receive(name: MediaName, waitMs: number, begin: (file: ArrivingMedia) => void): Promise<MediaFile> {
    const { db, clock, files, requests, maxBytes, onStored, onRefused } = this.#deps
    const { serverName, mediaId } = name
    let remote: RemoteFile
    try {
      remote = await requests.download(serverName, mediaId, waitMs, this.#stop.signal)
    } catch (error) {
      throw remoteError(error)
    }
    const { bytes, maxBytes: frameBytes } = remote
    if ((bytes ?? 0) > maxBytes || (frameBytes ?? 0) > maxBytes + MAX_FRAME_BYTES) {
      remote.destroy()
      throw remoteTooLarge()
    }
    const filename = filenameOf(remote.disposition)
    const contentType = contentTypeOf(remote.contentType, filename)
    const mayHandOn = await this.#mayHandOn(remote)
    const arriving = files.receive(boundedContent(remote, maxBytes))
    if (mayHandOn) begin({ contentType, filename, bytes, read: () => arriving.read() })
    const stored = await arriving.stored.catch(async (error) => {
      if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') await onRefused(name)
      throw error
    })
    await transact(db, (tx) => table.insertCopy(tx, name, clock.now(), { ...stored, contentType, filename }))
    onStored(stored.bytes)
    return fileOf(await table.findMedia(db, name), clock.now())
  }

  /** Whether a file may be read before all of it is here. */
  async #mayHandOn(remote: RemoteFile): Promise<boolean> {
    const { db, mayStream } = this.#deps
    const { bytes, maxBytes: frameBytes } = remote
    // Without any size it could still turn out to be too large: then the client is told so, instead of getting half.
    if (!mayStream || frameBytes === undefined || frameBytes <= SMALL_BYTES) return false
    try {
      // What is in quarantine is known by its hash, when all of it is here.
      return !(await table.isSizeQuarantined(db, bytes ?? frameBytes - MAX_FRAME_BYTES, bytes ?? frameBytes))
    } catch (error) {
      remote.destroy()
      throw error
    }
  }

  /** Waits no longer than the client does; the fetch goes on for whoever asks next. */
  async #patiently<T>(work: Promise<T>, { waitMs, signal }: RemoteAsking): Promise<T> {
    const done = new AbortController()
    const isOver = this.#deps.clock.sleep(waitMs + NETWORK_MS, AbortSignal.any([signal, done.signal]))
    try {
      return await Promise.race([work, isOver.then(() => Promise.reject(remoteError(undefined)))])
    } finally {
      done.abort()
    }
  }
}
