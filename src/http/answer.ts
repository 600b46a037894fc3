import type { ServerResponse } from 'node:http'
import { CORS_HEADERS } from './cors.ts'
import { Reply, StreamReply } from './route.ts'
import { sendStream } from './send-stream.ts'

const JSON_HEADERS: readonly string[] = [...CORS_HEADERS, 'Content-Type', 'application/json']

/** Writes an answer in one go: one `writeHead`, one `end`. `close`: the connection ends with it. */
export function answer(
  res: ServerResponse,
  status: number,
  headers: readonly string[],
  body: string | Buffer | undefined,
  close: boolean,
): void {
  if (res.headersSent || res.destroyed) return
  const all = [...headers]
  if (close) all.push('Connection', 'close')
  if (body !== undefined) all.push('Content-Length', String(Buffer.byteLength(body)))
  else if (status !== 204 && status !== 304) all.push('Content-Length', '0')
  res.writeHead(status, all)
  res.end(body)
}

/** Writes what a handler returned: JSON with status 200, or a reply. Returns the status; of a stream, once it is sent. */
export function answerWith(res: ServerResponse, result: unknown, close: boolean): number | Promise<number> {
  if (result instanceof Reply) {
    answer(res, result.status, [...CORS_HEADERS, ...Object.entries(result.headers).flat()], result.body, close)
    return result.status
  }
  if (result instanceof StreamReply) return sendStream(res, result, close)
  answer(res, 200, JSON_HEADERS, JSON.stringify(result ?? {}), close)
  return 200
}

/** Writes an error's JSON. */
export function answerJson(
  res: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>>,
  close: boolean,
): void {
  answer(res, status, [...JSON_HEADERS, ...Object.entries(headers).flat()], JSON.stringify(body), close)
}
