import { withoutBrackets } from '../../../matrix/server-name.ts'
import { converse } from './converse.ts'
import type { NewFile, Scan } from './scan.ts'

interface Service {
  readonly url: URL
  /** A scanner looks at downloads (RESPMOD), at uploads (REQMOD), or at both. */
  readonly method: 'RESPMOD' | 'REQMOD'
}

const DEFAULT_PORT = 1344
const END_OF_HEADERS = '\r\n\r\n'
/** What scanners name their findings in. */
const FINDINGS = [/^x-infection-found:.*threat=([^;\r\n]*)/im, /^x-virus-id:([^\r\n]*)/im, /^x-violations-found:/im]

/**
 * Asks a scanner over ICAP (RFC 3507). It is allowed to say "not modified" (204), and says so of what is clean; whatever
 * else it would put in the file's place (200) means that it does not want the file to be read.
 */
export const scanByIcap =
  (service: Service): Scan =>
  async (file, signal) => {
    const { hostname, port } = service.url
    const place = { host: withoutBrackets(hostname), port: Number(port) || DEFAULT_PORT }
    const answer = await converse(place, requestOf(service, file), isAnswered, signal)
    const status = Number(/^ICAP\/1\.\d (\d{3})/.exec(answer)?.[1])
    if (status === 204) return undefined
    if (status !== 200) throw new Error(`The scanner says: ${answer.slice(0, answer.indexOf('\r')).slice(0, 200)}`)
    return findingIn(answer.slice(0, answer.indexOf(END_OF_HEADERS)))
  }

const isAnswered = (text: string): boolean => text.includes(END_OF_HEADERS)

function findingIn(headers: string): string {
  const found = FINDINGS.map((pattern) => pattern.exec(headers)).find((match) => match !== null)
  return found?.[1]?.trim() || 'something that it does not name'
}

/** The file as an HTTP message, with its headers counted as `Encapsulated` wants them. */
async function* requestOf({ url, method }: Service, file: NewFile): AsyncGenerator<Buffer> {
  const isUpload = method === 'REQMOD'
  const about = `Content-Type: application/octet-stream\r\nContent-Length: ${file.bytes}${END_OF_HEADERS}`
  const asked = `${isUpload ? 'POST' : 'GET'} http://media.invalid/file HTTP/1.1\r\nHost: media.invalid\r\n`
  const request = asked + (isUpload ? about : '\r\n')
  const response = isUpload ? '' : `HTTP/1.1 200 OK\r\n${about}`
  const encapsulated = isUpload
    ? `req-hdr=0, req-body=${request.length}`
    : `req-hdr=0, res-hdr=${request.length}, res-body=${request.length + response.length}`
  const headers = [
    `${method} ${url.href} ICAP/1.0`,
    `Host: ${url.host}`,
    'User-Agent: Bongsu',
    'Allow: 204',
    'Connection: close',
    `Encapsulated: ${encapsulated}`,
  ]
  yield Buffer.from(headers.join('\r\n') + END_OF_HEADERS + request + response)
  for await (const piece of file.read()) {
    if (piece.length === 0) continue // would end it
    yield Buffer.from(`${piece.length.toString(16)}\r\n`)
    yield piece
    yield Buffer.from('\r\n')
  }
  yield Buffer.from(`0${END_OF_HEADERS}`)
}
