/** A file that has come and that nobody has read. */
export interface NewFile {
  readonly bytes: number
  /** From its beginning. */
  read(): AsyncIterable<Buffer>
}

/** Asks a scanner: the name of what it found, or `undefined` for nothing. Rejects where it does not say. */
export type Scan = (file: NewFile, signal: AbortSignal) => Promise<string | undefined>
