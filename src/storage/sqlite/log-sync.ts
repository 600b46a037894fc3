import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const dataSync = promisify(fdatasync)

/**
 * Makes the write-ahead log durable on the thread pool, so that the event loop does not wait for the disk. One
 * descriptor, kept open: SQLite keeps the file as long as a connection is open. (Closing a descriptor of the log drops
 * none of SQLite's locks; closing one of the database file would.)
 */
export class LogSync {
  readonly #fd: number
  readonly #sync: (fd: number) => Promise<void>

  constructor(databasePath: string, sync: (fd: number) => Promise<void> = dataSync) {
    this.#fd = openSync(`${databasePath}-wal`, 'r+')
    this.#sync = sync
    // The log's own entry in its folder, once.
    const folder = openSync(dirname(databasePath), 'r')
    fsyncSync(folder)
    closeSync(folder)
  }

  run(): Promise<void> {
    return this.#sync(this.#fd)
  }

  close(): void {
    closeSync(this.#fd)
  }
}
