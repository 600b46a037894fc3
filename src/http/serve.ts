import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Services } from '../compose/services.ts'
import { invalidParam } from '../matrix/errors.ts'
import type { RecordRequest } from '../services/metrics.ts'
import type { AddressOf } from './address.ts'
import { answerJson, answerWith } from './answer.ts'
import { type BodyReader, ClientGone } from './body.ts'
import type { Drain } from './drain.ts'
import { toErrorAnswer } from './errors.ts'
import { type Authenticator, accessTokenOf, admit, admitStill, assertionOf } from './guard.ts'
import { Input } from './input.ts'
import { parseJsonBody } from './json-body.ts'
import { parsePart } from './parse.ts'
import { admitPeer, type PeerAuthenticator } from './peer.ts'
import { parseQuery } from './query.ts'
import type { RequestLimiter } from './request-limiter.ts'
import type { RequestLog } from './request-log.ts'
import type { Deeds, Requester, Route } from './route.ts'

export interface ServeDeps {
  readonly services: Services
  readonly authenticator: Authenticator
  readonly peers: PeerAuthenticator
  readonly rateLimits: RequestLimiter
  readonly bodies: BodyReader
  readonly drain: Drain
  readonly addressOf: AddressOf
  readonly requestLog: RequestLog
  readonly requestRecorder: (operation: string) => RecordRequest
  /** Tokens in `?access_token=` still count. */
  readonly tokenInQuery: boolean
  readonly nextRequestId: () => string
}

/** A request whose route is known. */
export interface Matched {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly path: string
  readonly search: string
  readonly params: Readonly<Record<string, string>>
}

const MAX_BODY_BYTES = 1024 * 1024
const MAX_STRANGER_BODY_BYTES = 64 * 1024
/** What the log says of a client that left before it was answered. */
const CLIENT_GONE_STATUS = 499

/** Makes the function that serves one route: guard, parse, handle, answer, and a line in the log. */
export function serveRoute(route: Route, deps: ServeDeps): (matched: Matched) => Promise<void> {
  const { id: operationId } = route.spec
  const record = deps.requestRecorder(operationId)
  return async (matched) => {
    deps.drain.enter()
    const started = performance.now()
    const id = deps.nextRequestId()
    const seen: Seen = { userId: undefined }
    let status: number
    try {
      const result = await handle(route, deps, matched, seen)
      const answered = answerWith(matched.res, result, deps.drain.isDraining)
      status = typeof answered === 'number' ? answered : await answered
    } catch (error) {
      status = refuse(error, deps, id, operationId, matched.res)
    } finally {
      deps.drain.leave()
    }
    const ms = performance.now() - started
    record(status, ms)
    deps.requestLog.request(id, operationId, seen.userId, status, ms)
  }
}

/** What became known of a request before it failed. */
interface Seen {
  userId: string | undefined
}

async function handle(route: Route, deps: ServeDeps, matched: Matched, seen: Seen): Promise<unknown> {
  const { spec, handle: handler } = route
  const { req, res } = matched
  const ip = deps.addressOf(req)
  const rawQuery = parseQuery(matched.search)
  if (rawQuery === undefined || !isWellEncoded(matched.path)) throw invalidParam('Malformed percent-encoding')
  if (spec.auth === 'federation') return handlePeer(route, deps, matched, rawQuery, seen)
  const accessToken = accessTokenOf(req.headers.authorization, rawQuery, deps.tokenInQuery)
  const authenticate = (token: string) =>
    deps.authenticator.authenticate(token, ip, req.headers['user-agent'], assertionOf(rawQuery))
  let requester: Requester | undefined
  if (spec.auth !== 'none') {
    const pending = accessToken === undefined ? undefined : authenticate(accessToken)
    requester = admit(spec, pending instanceof Promise ? await pending : pending)
    seen.userId = requester?.userId
  }
  const limit = spec.limit ?? 'default'
  const isCounted = limit !== 'none' && !(requester ? isExempt(requester) : isForItself(accessToken, deps))
  const who = { userId: requester?.userId, address: ip }
  if (isCounted) deps.rateLimits.count(limit, who)
  const params = spec.params ? parsePart('path', spec.params, matched.params) : matched.params
  const query = spec.query ? parsePart('query', spec.query, rawQuery) : rawQuery
  const body = spec.body ? parsePart('body', spec.body, await readJson(spec, deps, req, res)) : undefined
  if (isCounted && spec.alsoDoes) countDeeds(deps.rateLimits, spec.alsoDoes({ params, body }), who)
  const parsed = { requester, params, query, body, ip, accessToken }
  const result = await handler(new Input(parsed, req, res, deps.drain, deps.bodies), deps.services)
  if (limit === 'sync' && accessToken !== undefined) admitStill(spec, await authenticate(accessToken))
  return result
}

function countDeeds(rateLimits: RequestLimiter, deeds: Deeds, who: { userId: string | undefined; address: string }) {
  for (const [limit, times] of Object.entries(deeds)) if (times > 0) rateLimits.count(limit, who, times)
}

/** The rate limits do not hold for an application service itself, nor for its users where its registration says so. */
const isExempt = ({ appservice, userId }: Requester): boolean =>
  appservice !== undefined && (!appservice.isRateLimited || userId === appservice.sender)

/** Making its users and logging them in is an application service's own doing, too: a bridge makes thousands at once. */
const isForItself = (token: string | undefined, { authenticator }: ServeDeps): boolean =>
  token !== undefined && authenticator.isAppService(token)

/** The same for another server: who it is is known only once the body has been read. */
async function handlePeer(
  { spec, handle: handler }: Route,
  deps: ServeDeps,
  { req, res, params: rawParams }: Matched,
  rawQuery: Record<string, unknown>,
  seen: Seen,
): Promise<unknown> {
  const ip = deps.addressOf(req)
  const { requester, content } = await admitPeer(spec, deps, req, res, ip)
  seen.userId = requester.server
  const params = spec.params ? parsePart('path', spec.params, rawParams) : rawParams
  const query = spec.query ? parsePart('query', spec.query, rawQuery) : rawQuery
  const body = spec.body ? parsePart('body', spec.body, content ?? {}) : undefined
  const input = { requester, params, query, body, ip, accessToken: undefined }
  return handler(new Input(input, req, res, deps.drain, deps.bodies), deps.services)
}

async function readJson(
  spec: Route['spec'],
  deps: ServeDeps,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<unknown> {
  const isStranger = spec.auth === 'none' || spec.auth === 'optional'
  const maxBytes = spec.maxBodyBytes ?? (isStranger ? MAX_STRANGER_BODY_BYTES : MAX_BODY_BYTES)
  return parseJsonBody(await deps.bodies.read(req, res, maxBytes), spec.allowNul ?? false)
}

function refuse(error: unknown, deps: ServeDeps, id: string, operationId: string, res: ServerResponse): number {
  // What fails after the server has closed under it fails of that, and there is nobody left to be told.
  if (error instanceof ClientGone || deps.drain.isOver) return CLIENT_GONE_STATUS
  const { status, body, headers, cause } = toErrorAnswer(error)
  deps.requestLog.failure(cause, error, id, operationId, performance.now())
  answerJson(res, status, body, headers, deps.drain.isDraining)
  return status
}

/** Malformed encoding, encoded bytes that are no UTF-8, and NUL, which no id can have. */
function isWellEncoded(path: string): boolean {
  if (!path.includes('%')) return true
  try {
    return !decodeURIComponent(path).includes('\u0000')
  } catch {
    return false
  }
}
