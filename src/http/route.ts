import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Services } from '../compose/services.ts'
import type { EventId, RoomId, UserId } from '../matrix/ids.ts'
import type { Requester } from '../services/accounts/sessions/sessions.ts'
import { giveBack, LongText } from '../util/long-text.ts'

export type { Requester } from '../services/accounts/sessions/sessions.ts'

/** 'guest': guests may too; 'user': registered users only; 'optional': anonymous allowed; 'federation': other servers. */
export type Auth = 'none' | 'optional' | 'user' | 'guest' | 'federation'
type RequesterOf<A extends Auth> = A extends 'none'
  ? undefined
  : A extends 'optional'
    ? Requester | undefined
    : A extends 'federation'
      ? Peer
      : Requester

/** Another server, which has proven that it is the one. */
export interface Peer {
  readonly server: string
}

export interface RouteSpec<A extends Auth, P, Q, B> {
  /** The operation id of the specification, prefixed by its API: `client.setTyping`. */
  readonly id: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** One path, or all its names (`v3`, `r0`, unstable), in the router's notation: `/rooms/:roomId`. */
  readonly path: string | readonly string[]
  readonly auth: A
  readonly params?: z.ZodType<P>
  /** Gets texts: `?a=1&a=2` arrives as `{ a: ['1', '2'] }`, `?a=1` as `{ a: '1' }`. See `query.ts` for numbers and lists. */
  readonly query?: z.ZodType<Q>
  /** Without a schema the body is not read. An empty body arrives as `{}`. */
  readonly body?: z.ZodType<B>
  /** Default 1 MiB, and 64 KiB where a stranger may send it ('none', 'optional'). */
  readonly maxBodyBytes?: number
  /** Texts in the body may hold U+0000 (event content). Elsewhere it is refused, because databases refuse it. */
  readonly allowNul?: true
  /** Serves locked accounts too (logging out). */
  readonly whileLocked?: true
  /** Refuses suspended accounts: for what adds to rooms or profiles (spec: Account suspension). */
  readonly refusesSuspended?: true
  /** The class of the rate limit that counts this request; default 'default'. 'none': not counted. */
  readonly limit?: LimitClass | 'none'
  /** What the request does as well, and how many times, where another class counts that: invites with a new room. */
  readonly alsoDoes?: (input: { readonly params: P; readonly body: B }) => Deeds
}

/** Times by class. */
export type Deeds = Readonly<Partial<Record<LimitClass, number>>>

/** The classes of requests that rate limits tell apart. */
export type LimitClass =
  | 'default'
  | 'federation'
  | 'message'
  | 'login'
  | 'register'
  | 'join'
  | 'invite'
  | 'preview'
  | 'sync'

export interface RouteInput<A extends Auth, P, Q, B> {
  readonly requester: RequesterOf<A>
  readonly params: P
  readonly query: Q
  readonly body: B
  /** The remote address, after trusted proxies. */
  readonly ip: string
  readonly userAgent: string | undefined
  /** The access token as sent, for logout and the like; never logged. */
  readonly accessToken: string | undefined
  /** Aborts when the client leaves or the server drains. */
  readonly signal: AbortSignal
  /** As Node parsed them: names in lower case. */
  readonly headers: IncomingHttpHeaders
  /** The body of a route without a `body` schema, as it arrives: never whole in memory. `M_TOO_LARGE` beyond the limit. */
  stream(maxBytes: number): AsyncIterable<Buffer>
}

/** A handler's answer when it is not plain JSON with status 200. */
export class Reply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string | Buffer | undefined
  constructor(status: number, headers: Record<string, string>, body?: string | Buffer) {
    this.status = status
    this.headers = headers
    this.body = body
  }
}

/** An answer that is sent as it is read, at the client's pace. */
export class StreamReply {
  readonly status: number
  readonly headers: Record<string, string>
  /** Undefined: nobody knows before the end. */
  readonly bytes: number | undefined
  /** Called only when there is somebody to read it: not for HEAD. */
  readonly open: () => Readable
  /** Called when the system has taken all of it. */
  readonly sent: (() => void) | undefined
  constructor(
    status: number,
    headers: Record<string, string>,
    bytes: number | undefined,
    open: () => Readable,
    sent?: () => void,
  ) {
    this.status = status
    this.headers = headers
    this.bytes = bytes
    this.open = open
    this.sent = sent
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** JSON text that is ready to send, once: `/sync` and its like compose text and skip the second serialisation. */
export function jsonText(text: string | LongText): Reply | StreamReply {
  const whole = text instanceof LongText ? text.end() : text
  if (typeof whole === 'string') return new Reply(200, JSON_TYPE, whole)
  const bytes = whole.reduce((sum, piece) => sum + piece.length, 0)
  return new StreamReply(
    200,
    JSON_TYPE,
    bytes,
    () => Readable.from(whole),
    () => giveBack(whole),
  )
}

/** JSON text that is too long to be put together first. */
export const jsonStream = (pieces: AsyncIterable<string>): StreamReply =>
  new StreamReply(200, JSON_TYPE, undefined, () => Readable.from(pieces))

export interface Route {
  readonly spec: RouteSpec<Auth, unknown, unknown, unknown>
  readonly handle: (input: RouteInput<Auth, unknown, unknown, unknown>, services: Services) => Promise<unknown>
}

/**
 * Declares an endpoint. The handler gets parsed input and the services, and returns the JSON body (or a `Reply`).
 * It never sees Koa, never sets a status for an error, never opens a transaction, never holds policy.
 */
export const route = <const A extends Auth, P = unknown, Q = unknown, B = unknown>(
  spec: RouteSpec<A, P, Q, B>,
  handle: (input: RouteInput<A, P, Q, B>, services: Services) => Promise<unknown>,
): Route => ({ spec, handle }) as unknown as Route

export type { EventId, RoomId, UserId }
