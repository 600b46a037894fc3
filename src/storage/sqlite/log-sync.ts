import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const dataSync = promisify(fdatasync)

/**
 * Makes the write-ahead log durable on the thread pool, so that the event loop does not wait for the disk.
 *
 * Measured (bench/storage.ts, messages of six statements; the range of three runs on two busy cores) against the sync
 * on the loop, which is what `synchronous=FULL` does:
 *
 * |                                  | in the thread pool | on the loop        |
 * |----------------------------------|--------------------|--------------------|
 * | this disk, 100 senders           | 12,200 to 16,100/s | 9,000 to 17,000/s  |
 * | this disk, one sender, p50       | 0.34 to 0.47 ms    | 0.28 to 0.33 ms    |
 * | 5 ms a sync, 100 senders         | 4,600 to 7,100/s   | 5,600 to 9,600/s   |
 * | 5 ms a sync, one sender, p50     | 6.2 to 6.9 ms      | 5.6 to 6.5 ms      |
 * | 100 writes/s: others late by p99 | 1.2 ms             | 4.3 ms             |
 * | the same, 5 ms a sync            | 1.2 ms             | 7.8 ms             |
 *
 * The loop alone writes as much, on a slow disk more: here it has nothing else to do. A server has, and what the last two
 * rows say decides. (Checkpoints on the loop, too, cost more than either: 8,300/s. They have their own thread.)
 *
 * One descriptor, kept open: SQLite keeps the file as long as a connection is open. (Closing a descriptor of the log drops
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
