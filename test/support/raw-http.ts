import { connect } from 'node:net'

/** Sends these bytes, one piece after the other, and returns everything that comes back until the server hangs up. */
export async function sendRaw(url: string, ...pieces: (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk
  })
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {}) // a server that hangs up in the middle is what some tests want
  for (const piece of pieces) socket.write(piece)
  await ended
  return received
}

/** A request in one piece, on a connection of its own. */
export const rawRequest = (method: string, target: string, headers: readonly string[] = [], body = ''): string =>
  [`${method} ${target} HTTP/1.1`, 'Host: example.org', 'Connection: close', ...headers, '', body].join('\r\n')
