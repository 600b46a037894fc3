import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { BodyReader } from './body.ts'
import type { Drain } from './drain.ts'
import type { Auth, Peer, Requester, RouteInput } from './route.ts'

/** What a handler gets. The signal is made when it is asked for, because most handlers never wait. */
export class Input implements RouteInput<Auth, unknown, unknown, unknown> {
  readonly requester: Requester | Peer | undefined
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
  readonly ip: string
  readonly accessToken: string | undefined
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #drain: Drain
  readonly #bodies: BodyReader
  #signal: AbortSignal | undefined

  constructor(
    parsed: Pick<
      RouteInput<Auth, unknown, unknown, unknown>,
      'requester' | 'params' | 'query' | 'body' | 'ip' | 'accessToken'
    >,
    req: IncomingMessage,
    res: ServerResponse,
    drain: Drain,
    bodies: BodyReader,
  ) {
    this.requester = parsed.requester
    this.params = parsed.params
    this.query = parsed.query
    this.body = parsed.body
    this.ip = parsed.ip
    this.accessToken = parsed.accessToken
    this.#req = req
    this.#res = res
    this.#drain = drain
    this.#bodies = bodies
  }

  get userAgent(): string | undefined {
    return this.#req.headers['user-agent']
  }

  get headers(): IncomingHttpHeaders {
    return this.#req.headers
  }

  stream(maxBytes: number): AsyncIterable<Buffer> {
    return this.#bodies.stream(this.#req, this.#res, maxBytes)
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#drain.signalFor(this.#res)
    return this.#signal
  }
}
