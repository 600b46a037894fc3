import type { RoomId } from '../../../matrix/ids.ts'

/** Requests that are taken together at most: their events are built without a turn of the event loop between. */
const MAX_TOGETHER = 50

interface Waiting<Request, Result> {
  request: Request
  resolve(result: Result): void
  reject(error: unknown): void
}

/** Requests that may be taken together, or one piece of work that has the room for itself. */
type Job<Request, Result> = { requests: Waiting<Request, Result>[] } | { run(): Promise<void> }

/**
 * The lock of each room: one job at a time, first come, first served. Requests that arrive while an earlier job runs are
 * taken together by the next one.
 */
export class RoomQueue<Request, Result> {
  readonly #jobs = new Map<RoomId, Job<Request, Result>[]>()
  readonly #take: (roomId: RoomId, requests: readonly Request[]) => Promise<(Result | Error)[]>

  /** `take` gives each request its result or error; when it rejects, all of them fail. */
  constructor(take: (roomId: RoomId, requests: readonly Request[]) => Promise<(Result | Error)[]>) {
    this.#take = take
  }

  together(roomId: RoomId, request: Request): Promise<Result> {
    return new Promise((resolve, reject) => {
      const waiting = { request, resolve, reject }
      const last = this.#jobs.get(roomId)?.at(-1)
      // The first job of a queue is the one that runs; `#drain` has taken its requests out.
      if (last && 'requests' in last && last.requests.length > 0 && last.requests.length < MAX_TOGETHER) {
        last.requests.push(waiting)
      } else {
        this.#add(roomId, { requests: [waiting] })
      }
    })
  }

  alone<T>(roomId: RoomId, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#add(roomId, { run: () => work().then(resolve, reject) })
    })
  }

  #add(roomId: RoomId, job: Job<Request, Result>): void {
    const jobs = this.#jobs.get(roomId)
    if (jobs) {
      jobs.push(job)
      return
    }
    const queue = [job]
    this.#jobs.set(roomId, queue)
    void this.#drain(roomId, queue)
  }

  /** Never rejects: every job settles those who wait for it. */
  async #drain(roomId: RoomId, queue: Job<Request, Result>[]): Promise<void> {
    for (let job = queue[0]; job; job = queue[0]) {
      if ('run' in job) await job.run()
      else await this.#runTogether(roomId, job.requests.splice(0))
      queue.shift()
    }
    this.#jobs.delete(roomId)
  }

  async #runTogether(roomId: RoomId, waiting: readonly Waiting<Request, Result>[]): Promise<void> {
    try {
      const results = await this.#take(
        roomId,
        waiting.map(({ request }) => request),
      )
      for (const [index, { resolve, reject }] of waiting.entries()) {
        const result = results[index]
        if (result === undefined || result instanceof Error) reject(result ?? new Error('A request got no result'))
        else resolve(result)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
