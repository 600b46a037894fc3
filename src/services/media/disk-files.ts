import { createReadStream } from 'node:fs'
import { access, link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { diskFailure } from '../../storage/failure.ts'
import { ArrivingFile } from './arriving-file.ts'
import type { ArrivingBytes, ByteRange, MediaFiles, StoredFile } from './files.ts'
import type { NewFile } from './scan/scan.ts'

interface Deps {
  readonly directory: string
  /** A name that nobody else has. */
  readonly newName: () => string
  /** Rejects for a file that must not be kept. It is asked when all of it is there, and before anybody can find it. */
  readonly check?: ((file: NewFile) => Promise<void>) | undefined
}

/** Each file's directory is named by the beginning of its hash, so that none grows too large to be read. */
const shard = (hash: string): string => join(hash.slice(0, 2), hash.slice(2, 4))

/** Files in a directory: `files/ab/cd/<hash>`, `derived/ab/cd/<hash>/<name>`, and `incoming/` for what is not whole yet. */
export class DiskFiles implements MediaFiles {
  readonly #directory: string
  readonly #newName: () => string
  readonly #check: Deps['check']

  constructor({ directory, newName, check }: Deps) {
    this.#check = check
    this.#directory = directory
    this.#newName = newName
  }

  put(source: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    return this.receive(source).stored
  }

  receive(source: AsyncIterable<Uint8Array>): ArrivingBytes {
    const incoming = join(this.#directory, 'incoming', this.#newName())
    return new ArrivingFile(incoming, source, async ({ hash, bytes }) => {
      await this.#check?.({ bytes, read: () => createReadStream(incoming) })
      await this.#keep(incoming, this.#pathOf(hash))
      return this.#pathOf(hash)
    })
  }

  read(hash: string, range?: ByteRange): Readable {
    return createReadStream(this.#pathOf(hash), range)
  }

  async locate(hash: string): Promise<string> {
    const path = this.#pathOf(hash)
    await access(path)
    return path
  }

  async readDerived(hash: string, name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.#derivedPath(hash, name))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async putDerived(hash: string, name: string, content: Uint8Array): Promise<void> {
    const incoming = await this.#newFile()
    const path = this.#derivedPath(hash, name)
    try {
      await writeFile(incoming, content)
      await mkdir(dirname(path), { recursive: true })
      await rename(incoming, path)
    } catch (error) {
      await rm(incoming, { force: true })
      throw diskFailure(error)
    }
  }

  /** Looks at the file only once it is out of the way: else somebody could put it again between look and removal. */
  async remove(hash: string, before: number): Promise<boolean> {
    const aside = await this.#newFile()
    try {
      await rename(this.#pathOf(hash), aside)
    } catch (error) {
      if (!isMissing(error)) throw error
      await this.#removeDerived(hash)
      return true
    }
    const isFresh = (await stat(aside)).mtimeMs >= before
    if (isFresh) await link(aside, this.#pathOf(hash)).catch(ignoreExisting)
    else await this.#removeDerived(hash)
    await rm(aside)
    return !isFresh
  }

  /** Removes what a process that was killed had not received whole: files that nobody has written to since `before`. */
  async sweep(before: number): Promise<void> {
    const directory = join(this.#directory, 'incoming')
    for (const name of await namesIn(directory)) {
      const path = join(directory, name)
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY })) // just moved away
      if (mtimeMs < before) await rm(path, { force: true })
    }
  }

  async #newFile(): Promise<string> {
    const directory = join(this.#directory, 'incoming')
    await mkdir(directory, { recursive: true })
    return join(directory, this.#newName())
  }

  /**
   * Gives a whole, synced file its name, also where another one with the same content has it: see `remove`. A directory's
   * own entry must be synced too, or a power cut forgets the name.
   */
  async #keep(incoming: string, path: string): Promise<void> {
    const directory = dirname(path)
    await mkdir(directory, { recursive: true })
    await rename(incoming, path)
    const root = join(this.#directory, 'files')
    for (const changed of [directory, dirname(directory), root, this.#directory]) await syncDirectory(changed)
  }

  #removeDerived(hash: string): Promise<void> {
    return rm(dirname(this.#derivedPath(hash, '-')), { recursive: true, force: true })
  }

  #pathOf(hash: string): string {
    return join(this.#directory, 'files', shard(hash), hash)
  }

  #derivedPath(hash: string, name: string): string {
    return join(this.#directory, 'derived', shard(hash), hash, name)
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

const namesIn = (directory: string): Promise<string[]> =>
  readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

const isMissing = (error: unknown): boolean => hasCode(error, 'ENOENT')

const ignoreExisting = (error: unknown): void => {
  if (!hasCode(error, 'EEXIST')) throw error
}
