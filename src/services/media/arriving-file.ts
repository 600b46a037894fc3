import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { diskFailure } from '../../storage/failure.ts'
import type { ArrivingBytes, StoredFile } from './files.ts'

const READ_BYTES = 64 * 1024

/**
 * A file on disk that grows while others read it. What has been written is told to the readers, who take it from the
 * disk: a slow reader holds up nobody, and nothing of the file stays in memory.
 */
export class ArrivingFile implements ArrivingBytes {
  readonly stored: Promise<StoredFile>
  #path: string
  #written = 0
  #isWhole = false
  /** Resolves when there is more, or nothing more to come; rejects when it failed. */
  #progress = unheard()

  /** Writes `source` to `path`. `keep` gives the whole file its name, and returns it. */
  constructor(path: string, source: AsyncIterable<Uint8Array>, keep: (stored: StoredFile) => Promise<string>) {
    this.#path = path
    this.stored = this.#receive(source, keep)
    this.stored.catch((error) => this.#progress.reject(error))
  }

  read(): Readable {
    return Readable.from(this.#follow(), { objectMode: false })
  }

  async #receive(
    source: AsyncIterable<Uint8Array>,
    keep: (stored: StoredFile) => Promise<string>,
  ): Promise<StoredFile> {
    const incoming = this.#path
    await mkdir(dirname(incoming), { recursive: true })
    const file = await open(incoming, 'wx', 0o600)
    try {
      const hash = await this.#write(file, source).finally(() => file.close())
      const stored = { hash, bytes: this.#written }
      this.#path = await keep(stored)
      this.#isWhole = true
      this.#progress.resolve()
      return stored
    } catch (error) {
      throw diskFailure(error)
    } finally {
      await rm(incoming, { force: true })
    }
  }

  async #write(file: FileHandle, source: AsyncIterable<Uint8Array>): Promise<string> {
    const sum = createHash('sha256')
    for await (const chunk of source) {
      sum.update(chunk)
      await file.writeFile(chunk) // appends: an open file writes where it stands
      this.#written += chunk.length
      const told = this.#progress
      this.#progress = unheard()
      told.resolve()
    }
    await file.sync()
    return sum.digest('hex')
  }

  async *#follow(): AsyncGenerator<Buffer> {
    let position = 0
    let file: FileHandle | undefined
    try {
      for (;;) {
        const progress = this.#progress.promise
        if (position < this.#written) {
          file ??= await this.#open()
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position)
          position += bytesRead
          yield buffer.subarray(0, bytesRead)
        } else {
          if (this.#isWhole) return
          await progress
        }
      }
    } finally {
      await file?.close()
    }
  }

  /** Its name changes once, when it is whole. */
  async #open(): Promise<FileHandle> {
    const path = this.#path
    try {
      return await open(path, 'r')
    } catch {
      await this.stored
      return open(this.#path, 'r')
    }
  }
}

/** A promise that may fail without anybody listening: there may be no reader. */
function unheard() {
  const made = Promise.withResolvers<void>()
  made.promise.catch(() => {})
  return made
}
