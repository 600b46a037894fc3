import type { Readable } from 'node:stream'

/** A file by what is in it. */
export interface StoredFile {
  /** SHA-256 in hexadecimal: its name in the store. */
  readonly hash: string
  readonly bytes: number
}

/** The first and the last byte, as HTTP counts them. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A file that is being received. */
export interface ArrivingBytes {
  /** Resolves when all of it is there and survives a power cut; fails as its source does, and then nothing is kept. */
  readonly stored: Promise<StoredFile>
  /** Reads it from its beginning, as it comes; fails where `stored` does. Any number may read, each at its own pace. */
  read(): Readable
}

/** Where the bytes of media are kept. Files on disk today; whatever can name bytes by their hash can stand in. */
export interface MediaFiles {
  /** Takes all of a source, piece by piece. When it resolves, the file survives a power cut. */
  put(source: AsyncIterable<Uint8Array>): Promise<StoredFile>
  /** The same, for a source that others want to read before all of it is here. */
  receive(source: AsyncIterable<Uint8Array>): ArrivingBytes
  /** Reads a file, or a part of it. */
  read(hash: string, range?: ByteRange): Readable
  /** Where a library finds the file that reads it by itself; fails where it is not there. */
  locate(hash: string): Promise<string>
  /** A small file derived from another one, such as a thumbnail; `undefined` where there is none yet. */
  readDerived(hash: string, name: string): Promise<Buffer | undefined>
  /** Keeps a derived file. It can be made again, so it may get lost. */
  putDerived(hash: string, name: string, content: Uint8Array): Promise<void>
  /**
   * Removes a file and what is derived from it, unless it was put again after `before`, in milliseconds: whoever did so is
   * about to use it. True when it is gone.
   */
  remove(hash: string, before: number): Promise<boolean>
}
