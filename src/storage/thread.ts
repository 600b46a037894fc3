import { setImmediate as turn } from 'node:timers/promises'
import { parentPort, Worker, type WorkerOptions } from 'node:worker_threads'

interface Question<Request> {
  readonly id: number
  readonly request: Request
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

interface Asked {
  resolve(value: unknown): void
  reject(error: Error): void
}

interface Options extends WorkerOptions {
  /** What it does, for messages. */
  readonly name: string
  /** It ends when nobody has asked it anything for so long. */
  readonly restMs?: number
}

const END = 'end'

/**
 * A thread that answers: it starts when it is first asked, and again after it broke or rested; its file calls
 * `answerQuestions`. It is never terminated from outside: a native module that is just being loaded, or at work, then
 * fails to make its errors, and takes the whole process with it. It is asked to end, and ends itself between two turns.
 */
export class Thread<Request> {
  readonly #file: URL
  readonly #options: Options
  readonly #asked = new Map<number, Asked>()
  /** When they have ended; of several, all but one are asked to already. */
  readonly #living = new Map<Worker, Promise<void>>()
  #worker: Worker | undefined
  #rest: NodeJS.Timeout | undefined
  #last = 0
  #isClosed = false

  constructor(file: URL, options: Options) {
    this.#file = file
    this.#options = options
  }

  ask(request: Request): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(this.#ended())
    this.#worker ??= this.#start()
    const worker = this.#worker
    const id = ++this.#last
    clearTimeout(this.#rest)
    worker.ref() // whoever waits for an answer gets it
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      worker.postMessage({ id, request } satisfies Question<Request>)
    })
  }

  /** What is not answered yet fails at once; the thread ends after the statement that is running, and answers no more. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#rest)
    if (this.#worker) this.#leave(this.#worker, this.#ended())
    await Promise.all([...this.#living].map(([worker, ended]) => end(worker, ended)))
  }

  #start(): Worker {
    const worker = new Worker(this.#file, this.#options)
    worker.on('message', (answer: Answer) => this.#take(worker, answer))
    worker.on('error', (error) => this.#leave(worker, error))
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        this.#living.delete(worker)
        this.#leave(worker, this.#ended())
        resolve()
      })
    })
    this.#living.set(worker, ended)
    return worker
  }

  #take(worker: Worker, { id, value, failure }: Answer): void {
    if (this.#worker !== worker) return
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (failure === undefined) asked?.resolve(value)
    else asked?.reject(new Error(`The ${this.#options.name} failed: ${failure}`))
    if (this.#asked.size > 0) return
    worker.unref()
    const { restMs } = this.#options
    if (restMs !== undefined) this.#rest = setTimeout(() => this.#endRested(worker), restMs).unref()
  }

  #endRested(worker: Worker): void {
    const ended = this.#living.get(worker)
    if (this.#worker !== worker || this.#asked.size > 0 || !ended) return
    this.#worker = undefined
    void end(worker, ended)
  }

  #leave(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of asked) reject(error instanceof Error ? error : new Error(String(error)))
  }

  #ended(): Error {
    return new Error(`The thread of the ${this.#options.name} has ended`)
  }
}

/** Keeps the process alive meanwhile: when it ends, it terminates what threads it has. */
function end(worker: Worker, ended: Promise<void>): Promise<void> {
  worker.ref()
  worker.postMessage(END)
  return ended
}

/**
 * In the thread: answers what it is asked, once it is `ready`, until it is to end, which it may be before. Each question
 * has a turn of its own, so that the end need not wait for those before it. What the thread has open is closed as it ends.
 */
export function answerQuestions<Request>(
  answer: (request: Request) => unknown,
  ready: Promise<unknown> = Promise.resolve(),
): void {
  let turns = ready
  parentPort?.on('message', (message: Question<Request> | typeof END) => {
    if (message === END) process.exit()
    turns = turns.then(() => turn()).then(() => void respond(message))
  })

  async function respond({ id, request }: Question<Request>): Promise<void> {
    let said: Answer
    try {
      said = { id, value: await answer(request) }
    } catch (error) {
      said = { id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
    parentPort?.postMessage(said)
  }
}
