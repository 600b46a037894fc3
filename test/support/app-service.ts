import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** A request that the application service got. */
export interface Got {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into requests of many shapes
  readonly body: any
}

/** A real application service over HTTP, which answers what a test says. */
export class ListeningService {
  readonly url: string
  /** All requests that arrived, also those that were not accepted. */
  readonly got: Got[] = []
  /** Decides on an answer; default: accepted. */
  answer: (request: Got) => Promise<{ status?: number; body?: unknown }> | { status?: number; body?: unknown } =
    () => ({})
  readonly #arrivals: (() => void)[] = []

  private constructor(url: string) {
    this.url = url
  }

  static async start(): Promise<ListeningService> {
    const server = createServer(async (request, response) => {
      const sent = await text(request)
      const got: Got = {
        method: request.method ?? '',
        path: request.url ?? '',
        authorization: request.headers.authorization,
        body: sent === '' ? undefined : JSON.parse(sent),
      }
      const { status = 200, body = {} } = await service.answer(got)
      service.got.push(got)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      for (const arrived of service.#arrivals.splice(0)) arrived()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const service = new ListeningService(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return service
  }

  /** Transactions that arrived, in their order. */
  get transactions(): Got[] {
    return this.got.filter(({ path }) => path.includes('/transactions/'))
  }

  /** Resolves once `found` finds what it looks for, and returns that. */
  async until<T>(found: () => T | undefined): Promise<T> {
    for (;;) {
      const value = found()
      if (value !== undefined) return value
      await new Promise<void>((resolve) => this.#arrivals.push(resolve))
    }
  }

  /** Resolves once an event that fits has arrived. */
  event(fits: (event: Got['body']) => boolean): Promise<Got['body']> {
    return this.until(() => this.eventsOf('events').find(fits))
  }

  /** What arrived under this name in all transactions. */
  eventsOf(name: string): Got['body'][] {
    return this.transactions.flatMap(({ body }) => body[name] ?? [])
  }
}
