import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import request from 'undici/lib/api/api-request.js'

/** What is asked. */
export interface Question {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  /** Path and query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** How much of it: bytes of the answer's body, and milliseconds until it must be complete. */
export interface Bounds {
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** The answer's body is larger than was asked for. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
}

/** An answer whose body is read as it comes. It must be read or destroyed. */
export interface OpenAnswer extends Omit<Answer, 'body'> {
  readonly body: Readable
}

/** How long one waits: for the head of the answer, between any two pieces of its body, and for all of it. */
export interface Patience {
  readonly headMs: number
  readonly pieceMs: number
  readonly wholeMs: number
  readonly signal?: AbortSignal | undefined
}

/** Asks one question and reads the answer within its bounds; whatever happens, nothing goes on afterwards. */
export async function exchange(
  dispatcher: Dispatcher,
  origin: string,
  question: Question,
  bounds: Bounds,
): Promise<Answer> {
  const signal = within(bounds.timeoutMs, bounds.signal)
  const { statusCode, headers, body } = await request.call(dispatcher, { ...requestOf(origin, question), signal })
  return { status: statusCode, headers, body: await collect(headers, quiet(body), bounds.maxBytes) }
}

/** Asks one question and gives the answer as soon as it begins. */
export async function openExchange(
  dispatcher: Dispatcher,
  origin: string,
  question: Question,
  { headMs, pieceMs, wholeMs, signal }: Patience,
): Promise<OpenAnswer> {
  const head = new AbortController()
  const timer = setTimeout(() => head.abort(new Error(`No answer within ${headMs} ms`)), headMs)
  try {
    const { statusCode, headers, body } = await request.call(dispatcher, {
      ...requestOf(origin, question),
      bodyTimeout: pieceMs,
      signal: AbortSignal.any([within(wholeMs, signal), head.signal]),
    })
    return { status: statusCode, headers, body: quiet(body) }
  } finally {
    clearTimeout(timer)
  }
}

/** Reads a body whole; destroys it, and throws `AnswerTooLarge`, where it has more than `maxBytes`. */
export async function collect(headers: Answer['headers'], body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = Number(headers['content-length'] ?? 0)
  if (size <= maxBytes) {
    size = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) break
      chunks.push(chunk)
    }
  }
  if (size > maxBytes) {
    body.destroy()
    throw new AnswerTooLarge(`The answer is larger than ${maxBytes} bytes`)
  }
  return Buffer.concat(chunks)
}

/** Whoever reads the body gets its errors; one that is destroyed half read emits one that is nobody's. */
const quiet = (body: Readable): Readable => body.on('error', () => {})

const requestOf = (origin: string, { method, path, headers, body }: Question) => ({
  origin,
  path,
  method,
  ...(headers && { headers: { ...headers } }),
  ...(body !== undefined && { body }),
})

function within(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(ms)
  return signal ? AbortSignal.any([signal, timeout]) : timeout
}
