import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'
import { destinationOf, type GuardedClient } from '../../outbound/guarded-client.ts'
import type { AppService } from './app-service.ts'

export interface AppServiceAnswer {
  readonly status: number
  /** Its text, as far as it is told to anybody. */
  readonly body: string
}

interface Asked {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Behind `/_matrix/app/v1`. */
  readonly path: string
  readonly query?: URLSearchParams
  readonly body?: string
  /** The path that older application services have for it, if there was one (spec: Legacy routes). */
  readonly legacyPath?: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

const MAX_ANSWER_BYTES = 1024 * 1024

/** Requests to application services, whose addresses the administrator chose. */
export class AppServiceClient {
  readonly #client: GuardedClient

  /** `client`: reaches private addresses too, because that is where they are. */
  constructor(client: GuardedClient) {
    this.#client = client
  }

  /** Whatever it answers; throws when it does not. It must have a URL. */
  async ask(service: AppService, { path, legacyPath, query, ...asked }: Asked): Promise<AppServiceAnswer> {
    const answer = await this.#ask(service, `/_matrix/app/v1${path}`, query, asked)
    if (legacyPath === undefined || !isUnknownEndpoint(answer)) return answer
    // Those that are as old as these paths look for the token here.
    const withToken = new URLSearchParams([...(query ?? []), ['access_token', service.hsToken]])
    return this.#ask(service, legacyPath, withToken, asked)
  }

  /** The JSON of a successful answer; undefined where there is none, whatever the reason. */
  async find(service: AppService, asked: Asked): Promise<Json | undefined> {
    try {
      const { status, body } = await this.ask(service, asked)
      return status === 200 ? (JSON.parse(body) as Json) : undefined
    } catch {
      return undefined // it is away, or says what nobody understands: it knows of nothing then
    }
  }

  async #ask(
    { url = '', hsToken }: AppService,
    path: string,
    query: URLSearchParams | undefined,
    { method, body, timeoutMs, signal }: Omit<Asked, 'path' | 'query'>,
  ): Promise<AppServiceAnswer> {
    const base = new URL(url)
    const search = query && query.size > 0 ? `?${query}` : ''
    const question = {
      method,
      path: `${base.pathname.replace(/\/+$/, '')}${path}${search}`,
      headers: {
        authorization: `Bearer ${hsToken}`,
        'user-agent': 'Bongsu',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    }
    const bounds = { maxBytes: MAX_ANSWER_BYTES, timeoutMs, signal }
    const answer = await this.#client.request(destinationOf(base), question, bounds)
    return { status: answer.status, body: answer.body.toString() }
  }
}

/** It does not have this path, rather than: it has, and what was asked for is not there. */
function isUnknownEndpoint({ status, body }: AppServiceAnswer): boolean {
  if (status !== 404 && status !== 405) return false
  const errcode = parsed(body)?.errcode
  return errcode === undefined || errcode === 'M_UNRECOGNIZED'
}

function parsed(body: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(body)
    return isObject(json) ? json : undefined
  } catch {
    return undefined // a page for people, such as a web framework's own
  }
}
