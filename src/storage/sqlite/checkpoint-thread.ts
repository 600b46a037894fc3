import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { LogPages } from './checkpoints.ts'

interface Answer {
  pages?: LogPages
  failure?: string
}

/** The other end of `checkpoint-worker.ts`; the thread starts when it is first needed. */
export class CheckpointThread {
  readonly #path: string
  #worker: Worker | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Copies what the log holds into the database, as far as no reader needs the older pages. */
  async run(): Promise<LogPages> {
    const worker = this.#worker ?? this.#start()
    worker.ref()
    worker.postMessage('checkpoint')
    const [{ pages, failure }] = (await once(worker, 'message').finally(() => worker.unref())) as [Answer]
    if (!pages) throw new Error(`The checkpoint failed: ${failure}`)
    return pages
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const here = import.meta.url
    // Beside this file, in the source and in the built program alike.
    const worker = new Worker(new URL(`checkpoint-worker${extname(here)}`, here), { workerData: this.#path })
    worker.once('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    this.#worker = worker
    return worker
  }
}
