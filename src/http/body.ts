import type { IncomingMessage, ServerResponse } from 'node:http'
import { MatrixError, tooLarge } from '../matrix/errors.ts'

/** Bytes of a refused body that are still read and thrown away, so that the client gets to see the answer. */
const LINGER_BYTES = 4 * 1024 * 1024
const LINGER_MS = 2000

/** Thrown when the client has gone before its body was complete: nobody is there to be answered. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

export interface BodyLimits {
  /** A body must be complete by then. */
  readonly timeoutMs: number
  /** All bodies together that are being received may hold this much memory. */
  readonly maxBufferedBytes: number
}

/** Reads request bodies within limits: of each body before it is read whole, and of all of them together. */
export class BodyReader {
  readonly #limits: BodyLimits
  #buffered = 0

  constructor(limits: BodyLimits) {
    this.#limits = limits
  }

  get bufferedBytes(): number {
    return this.#buffered
  }

  read(req: IncomingMessage, res: ServerResponse, maxBytes: number): Promise<Buffer> {
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      if (req.headers.expect === undefined) discard(req)
      return Promise.reject(tooLargeFor(maxBytes))
    }
    if (req.headers.expect !== undefined) res.writeContinue()
    return this.#collect(req, maxBytes)
  }

  /**
   * The body piece by piece, at the pace of who reads it. Nothing is held here, so only the size counts, and the time
   * without a single byte: a large file may take as long as its line is slow.
   */
  async *stream(req: IncomingMessage, res: ServerResponse, maxBytes: number): AsyncGenerator<Buffer> {
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      if (req.headers.expect === undefined) discard(req)
      throw tooLargeFor(maxBytes)
    }
    if (req.headers.expect !== undefined) res.writeContinue()
    let size = 0
    let isSlow = false
    const giveUp = () => {
      isSlow = true
      req.destroy()
    }
    const timer = setTimeout(giveUp, this.#limits.timeoutMs)
    try {
      for await (const chunk of req.iterator({ destroyOnReturn: false })) {
        size += chunk.length
        if (size > maxBytes) throw tooLargeFor(maxBytes)
        timer.refresh()
        yield chunk
        timer.refresh() // what the reader took is not the client's time
      }
    } catch (error) {
      if (error instanceof MatrixError || !req.destroyed) throw error
      throw new ClientGone(isSlow ? 'The client stopped sending its body' : 'The client left while sending its body')
    } finally {
      clearTimeout(timer)
      if (!req.readableEnded && !req.destroyed) discard(req)
    }
  }

  #collect(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let size = 0
      const settle = () => {
        clearTimeout(timer)
        this.#buffered -= size
        req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      }
      const refuse = (error: Error) => {
        settle()
        discard(req)
        reject(error)
      }
      const onData = (chunk: Buffer) => {
        size += chunk.length
        this.#buffered += chunk.length
        chunks.push(chunk)
        if (size > maxBytes) refuse(tooLargeFor(maxBytes))
        else if (this.#buffered > this.#limits.maxBufferedBytes) refuse(tooBusy())
      }
      const onEnd = () => {
        settle()
        resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size))
      }
      const onClose = () => {
        settle()
        reject(new ClientGone('The client left while sending its body'))
      }
      const timer = setTimeout(() => refuse(tooSlow()), this.#limits.timeoutMs)
      req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
    })
  }
}

const tooLargeFor = (maxBytes: number) => tooLarge(`The body is larger than ${maxBytes} bytes`)
const tooSlow = () => new MatrixError('M_UNKNOWN', 'The body took too long', { status: 408 })
const tooBusy = () =>
  new MatrixError('M_LIMIT_EXCEEDED', 'Too many large requests at once', { fields: { retry_after_ms: 1000 } })

/**
 * Throws away what still comes of a refused body, up to a limit. Closing at once would make the client's kernel
 * discard the answer together with the connection.
 */
function discard(req: IncomingMessage): void {
  let left = LINGER_BYTES
  const timer = setTimeout(() => req.socket.destroy(), LINGER_MS)
  req.on('error', () => {}) // gone before it was done, which is all the same by now
  req.on('close', () => clearTimeout(timer))
  req.on('end', () => clearTimeout(timer))
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) req.socket.destroy()
  })
}
