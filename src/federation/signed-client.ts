import { canonicalJson } from '../matrix/canonical-json.ts'
import { forbidden, MatrixError } from '../matrix/errors.ts'
import { isObject, type Json, type JsonObject } from '../matrix/json.ts'
import type { SigningKey } from '../matrix/signing-key.ts'
import { xMatrixHeader } from '../matrix/x-matrix.ts'
import { type Answer, collect, type OpenAnswer, type Patience, type Question } from '../outbound/exchange.ts'
import type { Destination, GuardedClient } from '../outbound/guarded-client.ts'
import type { ServerDiscovery } from './discovery.ts'
import { parseLargeJson } from './large-json.ts'
import type { Reach } from './reach.ts'
import { RemoteFailure } from './remote-failure.ts'

interface Deps {
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly client: GuardedClient
  readonly discovery: ServerDiscovery
  readonly reach: Reach
  readonly userAgent: string
  mayFederate(serverName: string): boolean
  /** Whether the server's keys are of use: then it may be asked for what is public. */
  mayBelieve(serverName: string): boolean
  /** Told how every request ended: undefined, or why the server could not be reached. */
  onContact(serverName: string, failure: string | undefined): void
}

export interface FederationRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** From `/_matrix` on, encoded; see `pathOf`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  readonly body?: Json
  /** The same as canonical JSON, where somebody has it already. */
  readonly bodyText?: string
  /** Default 10 MiB. */
  readonly maxBytes?: number
  /** Default 30 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  /** False for what is public (keys, version). */
  readonly isSigned?: boolean
  /** Asks even a server that did not answer lately: for those who know themselves when to try again. */
  readonly evenIfLost?: boolean
  /** The answer is `[200, {…}]`, as the first form of some endpoints has it. */
  readonly isPair?: boolean
}

/** A request whose answer is no JSON, or too large to be held: a file. */
export interface FileRequest extends Pick<FederationRequest, 'path' | 'query'>, Patience {}

const MAX_BYTES = 10 * 1024 * 1024
const TIMEOUT_MS = 30_000
const MAX_ERROR_BYTES = 64 * 1024

/**
 * Sends requests to other servers, signed (spec: server-server API, Request Authentication), and reads their JSON with
 * the values it was sent with. Whatever goes wrong over there is a `RemoteFailure`; a server that we do not talk to is
 * `M_FORBIDDEN`, before anything is looked up.
 */
export class SignedClient {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async send(server: string, request: FederationRequest): Promise<JsonObject> {
    const { client, onContact } = this.#deps
    const bounds = {
      maxBytes: request.maxBytes ?? MAX_BYTES,
      timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
      signal: request.signal,
    }
    const answer = await this.#ask(server, request, (destination, question) =>
      client.request(destination, question, bounds),
    )
    // A proxy in front of a server that is away answers for it.
    onContact(server, answer.status >= 500 ? `answered ${answer.status}` : undefined)
    const said = await jsonOf(answer)
    const body = request.isPair && Array.isArray(said) && said[0] === 200 ? said[1] : said
    if (answer.status === 200 && isObject(body)) return body
    throw failureOf(server, answer, body)
  }

  /** Asks for a file; its answer has status 200 and is read as it comes. Errors as with `send`. */
  async open(server: string, request: FileRequest): Promise<OpenAnswer> {
    const { client, onContact } = this.#deps
    const answer = await this.#ask(server, { ...request, method: 'GET' }, (destination, question) =>
      client.open(destination, question, request),
    )
    const { status, headers } = answer
    if (status === 200) {
      onContact(server, undefined)
      return answer
    }
    const body = await collect(headers, answer.body, MAX_ERROR_BYTES).catch(() => Buffer.alloc(0))
    const failure = failureOf(server, answer, await jsonOf({ status, headers, body }))
    // 502 and 504 are also what a server says of a file (too large, not there yet): then with an errcode.
    onContact(server, status >= 500 && failure.errcode === undefined ? `answered ${status}` : undefined)
    throw failure
  }

  /** Asks whom we may ask, and notes whether it answered. */
  async #ask<A extends Pick<Answer, 'status'>>(
    server: string,
    request: FederationRequest,
    exchange: (destination: Destination, question: Question) => Promise<A>,
  ): Promise<A> {
    const { mayFederate, mayBelieve, serverName, reach, discovery, onContact } = this.#deps
    if (server === serverName) throw new Error('This server has no need to ask itself over the network')
    const isAllowed = request.isSigned === false ? mayBelieve : mayFederate
    if (!isAllowed(server)) throw forbidden('This server does not federate with that one')
    const attempt = reach.begin(server)
    const isLost = typeof attempt === 'string'
    if (isLost && !request.evenIfLost) throw new RemoteFailure(server, `did not answer lately: ${attempt}`)
    let answer: A
    try {
      answer = await exchange(await discovery.resolve(server), this.#questionOf(server, request))
    } catch (error) {
      const reason = error instanceof Error ? error.message || error.name : String(error)
      if (request.signal?.aborted) {
        // Whoever asked went away: that says nothing of the other server.
        if (!isLost) attempt.abandoned()
      } else {
        if (!isLost) attempt.failed(reason)
        discovery.forget(server)
        onContact(server, reason)
      }
      throw new RemoteFailure(server, reason, { cause: error })
    }
    reach.onHeard(server)
    return answer
  }

  #questionOf(server: string, { method, path, query, body, bodyText, isSigned = true }: FederationRequest): Question {
    const { serverName, signingKey, userAgent } = this.#deps
    const uri = path + queryText(query)
    // Sent as it is signed.
    const text = bodyText ?? (body === undefined ? undefined : canonicalJson(body))
    const signed = { method, uri, origin: serverName, destination: server, contentText: text }
    return {
      method,
      path: uri,
      headers: {
        'user-agent': userAgent,
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...(isSigned && { authorization: xMatrixHeader(signed, signingKey) }),
      },
      ...(text !== undefined && { body: text }),
    }
  }
}

/** A path with its parts encoded: pathOf`/_matrix/federation/v1/event/${eventId}`. */
export const pathOf = (fixed: TemplateStringsArray, ...parts: string[]): string =>
  String.raw({ raw: fixed }, ...parts.map(encodeURIComponent))

function queryText(query: FederationRequest['query']): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue
    for (const item of typeof value === 'object' ? value : [value]) params.append(name, String(item))
  }
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}

/** Undefined if it is no JSON. */
async function jsonOf({ body }: Answer): Promise<Json | undefined> {
  try {
    return await parseLargeJson(body)
  } catch (error) {
    if (error instanceof MatrixError) return undefined
    throw error
  }
}

function failureOf(
  server: string,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
  body: Json | undefined,
): RemoteFailure {
  if (status === 200) return new RemoteFailure(server, 'answered with no JSON object', { status })
  const fields = isObject(body) ? body : {}
  const seconds = Number(headers['retry-after'])
  const retryAfterMs =
    typeof fields.retry_after_ms === 'number' ? fields.retry_after_ms : Number.isFinite(seconds) ? seconds * 1000 : 0
  return new RemoteFailure(server, `answered ${status} ${String(fields.errcode ?? '')}`.trim(), {
    status,
    ...(typeof fields.errcode === 'string' && { errcode: fields.errcode }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
    body: fields,
  })
}
