import type { Dispatcher } from 'undici'

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

/** Asks one question and reads the answer within its bounds; whatever happens, nothing goes on afterwards. */
export async function exchange(
  dispatcher: Dispatcher,
  origin: string,
  question: Question,
  bounds: Bounds,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(bounds.timeoutMs)
  const signal = bounds.signal ? AbortSignal.any([bounds.signal, timeout]) : timeout
  const { statusCode, headers, body } = await dispatcher.request({
    origin,
    path: question.path,
    method: question.method,
    ...(question.headers && { headers: { ...question.headers } }),
    ...(question.body !== undefined && { body: question.body }),
    signal,
  })
  const chunks: Buffer[] = []
  let size = Number(headers['content-length'] ?? 0)
  if (size <= bounds.maxBytes) {
    size = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > bounds.maxBytes) break
      chunks.push(chunk)
    }
  }
  if (size > bounds.maxBytes) {
    body.destroy()
    throw new AnswerTooLarge(`The answer is larger than ${bounds.maxBytes} bytes`)
  }
  return { status: statusCode, headers, body: Buffer.concat(chunks) }
}
