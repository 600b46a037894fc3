import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { CORS_HEADERS } from './cors.ts'

/** What one client, or all of them together, may ask of the process before a route is even known. */
export interface HttpLimits {
  readonly maxConnections: number
  /** Request line and headers together. */
  readonly maxHeaderBytes: number
  readonly headersTimeoutMs: number
  /** A body must be complete by then. */
  readonly bodyTimeoutMs: number
  /** All bodies that are being received, together. */
  readonly maxBufferedBytes: number
  /** An idle connection is kept so long: longer than a reverse proxy keeps it, or requests get lost between the two. */
  readonly keepAliveMs: number
}

/** For `createServer`: what must be known when the server is made. */
export const serverOptions = (limits: HttpLimits) => ({
  maxHeaderSize: limits.maxHeaderBytes,
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: 0, // bodies have their own timeout, which can answer properly; headers have `headersTimeout`
  connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
  keepAliveTimeout: limits.keepAliveMs,
  noDelay: true,
})

/** The rest of the limits, and answers for what is not even HTTP. */
export function limitServer(server: Server, limits: HttpLimits): void {
  server.maxConnections = limits.maxConnections
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket))
}

function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const [status, body] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, { errcode: 'M_TOO_LARGE', error: 'The headers are too large' }]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, { errcode: 'M_UNKNOWN', error: 'The request took too long' }]
        : [400, { errcode: 'M_UNKNOWN', error: 'Not a valid HTTP request' }]
  socket.end(rawAnswer(status, JSON.stringify(body)))
}

/** Half of an answer is out already: another one must not be mixed into it. Node's own handler looks at the same field. */
const isAnswering = (socket: Socket): boolean =>
  '_httpMessage' in socket && (socket._httpMessage as ServerResponse | null)?.headersSent === true

function rawAnswer(status: number, body: string): string {
  const headers = [
    ...CORS_HEADERS,
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
  ]
  headers.push('Connection', 'close')
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`]
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
