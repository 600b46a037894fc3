import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Hangs up where the body of a request that was answered without it is not complete in time. Node reads it to its end,
 * however long that takes, and counts the connection as busy meanwhile: strangers could hold all there are for ever.
 */
export function hangUpOnUnread(req: IncomingMessage, res: ServerResponse, timeoutMs: number): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
  if (length === undefined && encoding === undefined) return
  res.once('finish', () => {
    if (req.complete) return
    const timer = setTimeout(() => !req.complete && req.socket.destroy(), timeoutMs)
    req.once('close', () => clearTimeout(timer))
  })
}
