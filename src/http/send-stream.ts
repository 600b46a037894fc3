import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { CORS_HEADERS } from './cors.ts'
import type { StreamReply } from './route.ts'

/** A client that takes nothing for so long has gone: it would hold a file open for ever. */
const STALL_MS = 60_000

/** Sends a stream at the client's pace; returns the status when all of it was taken, or the client has left. */
export async function sendStream(res: ServerResponse, reply: StreamReply, close: boolean): Promise<number> {
  if (res.headersSent || res.destroyed) return reply.status
  const headers = [...CORS_HEADERS, ...Object.entries(reply.headers).flat()]
  if (reply.bytes !== undefined) headers.push('Content-Length', String(reply.bytes))
  if (close) headers.push('Connection', 'close')
  if (res.req.method === 'HEAD') {
    res.writeHead(reply.status, headers).end()
    return reply.status
  }
  const source = reply.open()
  res.writeHead(reply.status, headers)
  res.setTimeout(STALL_MS, () => res.destroy())
  try {
    await pipeline(source, res)
    reply.sent?.()
  } catch (error) {
    // Half an answer is out: cutting the connection is all that can still be said. A client may leave when it likes.
    if (!isGone(error)) throw error
  }
  return reply.status
}

const isGone = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'].includes(String(error.code))
