import { extname } from 'node:path'
import { Thread } from '../thread.ts'
import type { LogPages } from './checkpoints.ts'

/** The other end of `checkpoint-worker.ts`. */
export class CheckpointThread {
  readonly #thread: Thread<'checkpoint'>

  constructor(path: string) {
    const here = import.meta.url
    // Beside this file, in the source and in the built program alike.
    const file = new URL(`checkpoint-worker${extname(here)}`, here)
    this.#thread = new Thread(file, { name: 'checkpoint', workerData: path })
  }

  /** Copies what the log holds into the database, as far as no reader needs the older pages. */
  async run(): Promise<LogPages> {
    return (await this.#thread.ask('checkpoint')) as LogPages
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}
