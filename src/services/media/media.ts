import { Readable } from 'node:stream'
import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { type Db, type Tx, transact } from '../../storage/db.ts'
import { deleteInPieces } from '../../storage/expire.ts'
import * as table from '../../storage/media/media.ts'
import { markGarbage } from '../../storage/media/media-care.ts'
import type { Clock } from '../../util/clock.ts'
import { Arrivals } from './arrivals.ts'
import { contentTypeOf } from './content-type.ts'
import { cleanFilename } from './filename.ts'
import type { MediaFiles } from './files.ts'
import { fileOf, isMediaId, type MediaContent, type MediaFile, type MediaName, unknownMedia } from './media-file.ts'
import type { UploadLimits } from './upload-limits.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  random(bytes: number): Uint8Array
  readonly serverName: string
  readonly files: MediaFiles
  readonly limits: UploadLimits
  readonly maxPending: number
  readonly pendingForMs: number
}

/** What a client sends. The type and the name are its own words. */
export interface Upload {
  readonly contentType: string | undefined
  readonly filename: string | undefined
  readonly content: AsyncIterable<Uint8Array>
}

const ID_BYTES = 24

/** Uploaded files (spec: client-server API, Content repository). */
export class Media {
  readonly #deps: Deps
  readonly #arrivals: Arrivals

  constructor(deps: Deps) {
    this.#deps = deps
    this.#arrivals = new Arrivals(deps.clock)
  }

  /** Stores a file and returns its `mxc://` address. `M_FORBIDDEN` where the user may upload no more, or not this. */
  async upload(userNid: number, upload: Upload): Promise<string> {
    const { clock } = this.#deps
    const name = this.#newName()
    await this.#store(userNid, upload, (tx, content) => table.insertMedia(tx, name, userNid, clock.now(), content))
    return table.mediaAddress(name)
  }

  /** Gives out an address whose content follows. `M_LIMIT_EXCEEDED` when too many are still waiting for theirs. */
  async announce(userNid: number): Promise<{ address: string; expiresTs: number }> {
    const { db, clock, limits, maxPending, pendingForMs } = this.#deps
    await limits.room(userNid)
    const name = this.#newName()
    const now = clock.now()
    const expiresTs = now + pendingForMs
    await transact(db, async (tx) => {
      if ((await table.countAnnounced(tx, userNid, now)) >= maxPending) throw tooManyPending()
      await table.announceMedia(tx, name, userNid, now, expiresTs)
    })
    return { address: table.mediaAddress(name), expiresTs }
  }

  /** Sends the content of an announced address, once, by who asked for it. */
  async fill(userNid: number, name: MediaName, upload: Upload): Promise<void> {
    const { db, clock } = this.#deps
    const row = this.#isOurs(name) ? await table.findMedia(db, name) : undefined
    if (row === undefined) throw unknownMedia()
    if (row.userNid !== userNid) throw forbidden('Somebody else has this address')
    if (row.hash !== null) throw isFilled()
    if (row.expiresTs !== null && row.expiresTs <= clock.now()) throw unknownMedia()
    await this.#store(userNid, upload, async (tx, content) => {
      if (await table.fillMedia(tx, name, clock.now(), content)) return
      throw (await table.findMedia(tx, name)) ? isFilled() : unknownMedia() // its time was up before it was here
    })
    this.#arrivals.announce(name.mediaId)
  }

  /**
   * One of our own files by its name. One that was announced is waited for; `M_NOT_YET_UPLOADED` when it does not come in time,
   * `M_NOT_FOUND` for one that is unknown.
   */
  async find(name: MediaName, waitMs: number, signal: AbortSignal): Promise<MediaFile> {
    const { db, clock } = this.#deps
    if (!this.#isOurs(name)) throw unknownMedia()
    const arrival = this.#arrivals.expect(name.mediaId)
    try {
      let row = await table.findMedia(db, name)
      if (row?.hash === null && (row.expiresTs ?? 0) > clock.now() && waitMs > 0) {
        await arrival.within(waitMs, signal)
        row = await table.findMedia(db, name)
      }
      return fileOf(row, clock.now())
    } finally {
      arrival.end()
    }
  }

  /**
   * Keeps a picture of the web. It is nobody's upload: like the copies of other servers' files it goes when it has had
   * its time.
   */
  async keepPicture(picture: Uint8Array, contentType: string): Promise<string> {
    const { db, clock, files } = this.#deps
    const stored = await files.put(Readable.from([picture]))
    const name = this.#newName()
    await transact(db, (tx) => table.insertCopy(tx, name, clock.now(), { ...stored, contentType, filename: undefined }))
    return table.mediaAddress(name)
  }

  /** Forgets announced addresses whose content never came. */
  async expire(): Promise<void> {
    const { db, clock } = this.#deps
    await deleteInPieces(db, (tx, limit) => table.deleteExpiredMedia(tx, clock.now(), limit))
  }

  /** Puts the bytes into the store, then counts and names them, or has them removed again. */
  async #store(
    userNid: number,
    { contentType, filename, content }: Upload,
    keep: (tx: Tx, content: MediaContent) => Promise<void>,
  ): Promise<void> {
    const { db, files, limits } = this.#deps
    const name = cleanFilename(filename)
    const stored = await files.put(await limits.bounded(userNid, content))
    try {
      await transact(db, async (tx) => {
        await keep(tx, { ...stored, contentType: contentTypeOf(contentType, name), filename: name })
        await limits.count(tx, userNid, stored.bytes)
      })
    } catch (error) {
      await transact(db, (tx) => markGarbage(tx, [stored.hash]))
      throw error
    }
  }

  #isOurs({ serverName, mediaId }: MediaName): boolean {
    return serverName === this.#deps.serverName && isMediaId(mediaId)
  }

  #newName(): MediaName {
    const mediaId = Buffer.from(this.#deps.random(ID_BYTES)).toString('base64url')
    return { serverName: this.#deps.serverName, mediaId }
  }
}

const isFilled = () => new MatrixError('M_CANNOT_OVERWRITE_MEDIA', 'This address has its content already')
const tooManyPending = () =>
  new MatrixError('M_LIMIT_EXCEEDED', 'Too many files are announced and not yet sent', {
    fields: { retry_after_ms: 60_000 },
  })
