import { type Db, type Tx, transact } from '../../storage/db.ts'
import * as table from '../../storage/media/media.ts'
import * as care from '../../storage/media/media-care.ts'
import type { Clock } from '../../util/clock.ts'
import { pages } from '../../util/pages.ts'
import type { MediaFiles } from './files.ts'
import type { MediaName } from './media-file.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly files: MediaFiles
  /** Copies of other servers' files that nobody asked for so long are deleted. */
  readonly keepCopiesMs: number
  /** All copies together have no more bytes; what nobody asked for the longest goes first. */
  readonly maxCopiesBytes: number
  /** Told when making room fails. */
  onFailure(error: unknown): void
}

/** Rows of one transaction: others wait no longer for it than for a write of their own, wherever in the file they are. */
const PIECE = 50
/** Between the bytes of an upload and its row in the database lies less. */
const FRESH_MS = 5 * 60_000
/** Copies deleted at once to make room: no more than it takes, nearly. */
const ROOM_PIECE = 20

/** What an administrator does with files, and what goes by itself. */
export class MediaCare {
  readonly #deps: Deps
  #copiesBytes: number | undefined
  #trimming: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Nobody gets the file any more, nor the same content under another name, now or later. False: it was so already. */
  async quarantine(name: MediaName): Promise<boolean> {
    const { db, clock } = this.#deps
    return transact(db, async (tx) => {
      const row = await table.findMedia(tx, name)
      return care.quarantine(tx, name, row?.hash ?? null, clock.now())
    })
  }

  /** Ends the quarantine of a file and of its content. */
  async release(name: MediaName): Promise<boolean> {
    return transact(this.#deps.db, async (tx) => {
      const row = await table.findMedia(tx, name)
      return care.release(tx, name, row?.hash ?? null)
    })
  }

  /** Deletes a file for good, or our copy of another server's, which is fetched again when somebody asks for it. */
  async delete(name: MediaName): Promise<care.DeletedMedia> {
    const deleted = await transact(this.#deps.db, (tx) => care.deleteMedia(tx, name))
    await this.sweepGarbage()
    return deleted
  }

  /** Deletes the copies of other servers' files that nobody has asked for within the last `ms`. */
  async purgeCopies(ms: number): Promise<care.DeletedMedia> {
    const before = this.#deps.clock.now() - ms
    const deleted = await this.#purge((tx) => care.deleteCopies(tx, before, PIECE))
    if (this.#copiesBytes !== undefined) this.#copiesBytes -= deleted.bytes
    return deleted
  }

  /** Deletes what our users uploaded more than `ms` ago, except the pictures they show of themselves. */
  purgeUploads(ms: number): Promise<care.DeletedMedia> {
    const before = this.#deps.clock.now() - ms
    return this.#purge((tx) => care.deleteUploads(tx, before, PIECE))
  }

  /**
   * Deletes the copies that have had their time, or for which there is no room. They are counted once: what comes and goes
   * then is added up, and counted again where that seems too much.
   */
  async sweepCopies(): Promise<void> {
    await this.purgeCopies(this.#deps.keepCopiesMs)
    if (this.#copiesBytes === undefined || this.#copiesBytes > this.#deps.maxCopiesBytes) await this.#trim()
  }

  /** A file was fetched: makes room where there is none. */
  onCopied(bytes: number): void {
    if (this.#copiesBytes === undefined) return // the first sweep counts it
    this.#copiesBytes += bytes
    if (this.#copiesBytes > this.#deps.maxCopiesBytes) this.#trim().catch(this.#deps.onFailure)
  }

  /** Removes the bytes that no file has any more. */
  async sweepGarbage(): Promise<void> {
    const { db, clock, files } = this.#deps
    for (let after = ''; ; ) {
      const found = await care.listGarbage(db, after, PIECE)
      const settled: string[] = []
      for (const { hash, isNamed } of found) {
        if (isNamed === 1 || (await files.remove(hash, clock.now() - FRESH_MS))) settled.push(hash)
      }
      await transact(db, (tx) => care.clearGarbage(tx, settled))
      if (found.length < PIECE) return
      after = found.at(-1)?.hash ?? after
    }
  }

  async #purge(deletePiece: (tx: Tx) => Promise<care.DeletedMedia>): Promise<care.DeletedMedia> {
    let [files, bytes] = [0, 0]
    for (let found = PIECE; found >= PIECE; ) {
      const deleted = await transact(this.#deps.db, deletePiece)
      found = deleted.files
      files += deleted.files
      bytes += deleted.bytes
    }
    await this.sweepGarbage()
    return { files, bytes }
  }

  #trim(): Promise<void> {
    this.#trimming ??= this.#makeRoom().finally(() => {
      this.#trimming = undefined
    })
    return this.#trimming
  }

  async #makeRoom(): Promise<void> {
    const { db, clock, maxCopiesBytes } = this.#deps
    this.#copiesBytes = await this.#countCopies()
    while (this.#copiesBytes > maxCopiesBytes) {
      const { files, bytes } = await transact(db, (tx) => care.deleteCopies(tx, clock.now() + 1, ROOM_PIECE))
      if (files === 0) return
      this.#copiesBytes -= bytes
    }
    await this.sweepGarbage()
  }

  async #countCopies(): Promise<number> {
    let bytes = 0
    const read = (last = care.FIRST_COPY) => care.listCopies(this.#deps.db, last, PIECE)
    for await (const page of pages(PIECE, read)) {
      for (const copy of page) bytes += Number(copy.bytes)
    }
    return bytes
  }
}
