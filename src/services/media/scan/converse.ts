import { connect, type NetConnectOpts } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Where a scanner listens: a socket in the file system, or a port. */
export type Place = { readonly path: string } | { readonly host: string; readonly port: number }

/** Scanners answer in a few lines. */
const MAX_ANSWER_LENGTH = 16 * 1024

/**
 * Sends a request over a connection of its own, at the other side's pace, and returns what comes back as soon as it
 * `isWhole`, also where that is before all was sent. Rejects when the scanner hangs up, says too much or `signal` aborts.
 */
export async function converse(
  place: Place,
  request: AsyncIterable<Buffer>,
  isWhole: (answer: string) => boolean,
  signal: AbortSignal,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const options: NetConnectOpts = { ...place }
  const socket = connect(options).setEncoding('latin1')
  let answer = ''
  socket.on('data', (text) => {
    answer += text
    if (isWhole(answer)) resolve(answer)
    else if (answer.length > MAX_ANSWER_LENGTH) reject(new Error('The scanner says too much'))
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('The scanner hung up')))
  const give = () => reject(new Error('The scanner took too long'))
  signal.addEventListener('abort', give, { once: true })
  pipeline(Readable.from(request), socket, { end: false }).catch(reject)
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', give)
    socket.destroy()
  }
}
