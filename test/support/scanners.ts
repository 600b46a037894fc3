import { once } from 'node:events'
import { createServer, type ListenOptions, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What the scanners of the tests find. */
export const VIRUS = 'X5O!-a-test-virus'

/** A scanner that listens. */
export interface FakeScanner {
  readonly port: number
  /** The files it was given, in order. */
  readonly files: Buffer[]
  /** The heads of the requests, where it speaks ICAP. */
  readonly heads: string[]
}

type Answer = (file: Buffer) => string

/** clamd as its manual has it: INSTREAM behind `z`, pieces behind their lengths, one answer that ends with NUL. */
export async function startClamd(options: ListenOptions = {}, answer: Answer = clamdAnswer): Promise<FakeScanner> {
  return listen(options, (received, scanner) => {
    const command = Buffer.from('zINSTREAM\0')
    if (!received.subarray(0, command.length).equals(command)) return undefined
    const pieces: Buffer[] = []
    for (let at = command.length; at + 4 <= received.length; ) {
      const bytes = received.readUInt32BE(at)
      if (bytes === 0) return answer(keep(scanner, Buffer.concat(pieces)))
      pieces.push(received.subarray(at + 4, at + 4 + bytes))
      at += 4 + bytes
    }
    return undefined
  })
}

/** A scanner behind ICAP (RFC 3507): 204 for what is clean. */
export async function startIcap(answer: Answer = icapAnswer): Promise<FakeScanner> {
  return listen({}, (received, scanner) => {
    const text = received.toString('latin1')
    const [, start = ''] = /Encapsulated:.*-body=(\d+)/.exec(text) ?? []
    const head = text.indexOf('\r\n\r\n') + 4
    const pieces: Buffer[] = []
    for (let at = head + Number(start); start !== ''; ) {
      const lineEnd = text.indexOf('\r\n', at)
      if (lineEnd < 0) return undefined
      const bytes = Number.parseInt(text.slice(at, lineEnd), 16)
      if (bytes === 0) {
        scanner.heads.push(text.slice(0, head + Number(start)))
        return answer(keep(scanner, Buffer.concat(pieces)))
      }
      pieces.push(received.subarray(lineEnd + 2, lineEnd + 2 + bytes))
      at = lineEnd + 2 + bytes + 2
    }
    return undefined
  })
}

const clamdAnswer: Answer = (file) => (file.includes(VIRUS) ? 'stream: Test.Virus FOUND\0' : 'stream: OK\0')
const icapAnswer: Answer = (file) =>
  file.includes(VIRUS)
    ? 'ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Test.Virus;\r\nEncapsulated: res-hdr=0, null-body=20\r\n\r\nHTTP/1.1 403 No\r\n\r\n'
    : 'ICAP/1.0 204 No Content\r\nISTag: "1"\r\n\r\n'

function keep(scanner: FakeScanner, file: Buffer): Buffer {
  scanner.files.push(file)
  return file
}

/** `converse` gets all that a connection has sent so far, and answers when that is enough. */
async function listen(
  options: ListenOptions,
  converse: (received: Buffer, scanner: FakeScanner) => string | undefined,
): Promise<FakeScanner> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    const pieces: Buffer[] = []
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('data', (piece) => {
      pieces.push(piece)
      const answer = converse(Buffer.concat(pieces), scanner)
      if (answer !== undefined) socket.end(answer, 'latin1')
    })
  })
  await once(server.listen(options.path === undefined ? { host: '127.0.0.1', port: 0 } : options), 'listening')
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const address = server.address()
  const scanner: FakeScanner = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    files: [],
    heads: [],
  }
  return scanner
}
