import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectSecurely } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { answerWith } from '../../src/http/answer.ts'
import { jsonText } from '../../src/http/route.ts'
import { LongText } from '../../src/util/long-text.ts'
import { Authority } from '../support/tls.ts'

const NAME = 'a.example'
/** 48 MiB: more than the system takes of an answer that nobody reads. */
const LINE = '봉'.repeat(128 * 1024)
const LINES = 128
/** So long the client reads nothing. */
const PAUSE_MS = 300

const hashOf = (parts: readonly (Buffer | string)[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

interface Way {
  serve(listener: RequestListener): Promise<Server>
  dial(port: number): Socket
}

const plain: Way = {
  serve: async (listener) => createServer(listener),
  dial: (port) => connect(port, '127.0.0.1'),
}

const secure: Way = {
  serve: async (listener) => {
    const { key, cert } = await (await Authority.create()).issue(NAME)
    return createSecureServer({ key, cert }, listener)
  },
  dial: (port) => connectSecurely({ port, host: '127.0.0.1', servername: NAME, rejectUnauthorized: false }),
}

it.each([
  ['plainly', plain],
  ['over TLS', secure],
])('keeps the bytes of a long answer until the slowest client has them, %s', async (_, { serve, dial }) => {
  const text = new LongText()
  for (let line = 0; line < LINES; line++) text.push(`${line}${LINE}`)
  const pieces = text.end() as readonly Buffer[]
  const expected = hashOf(pieces)
  const held = () => pieces.reduce((sum, piece) => sum + piece.length, 0)
  const bytes = held()

  let sent: unknown
  const server = await serve((_req, res) => {
    sent = answerWith(res, jsonText(text), true)
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = dial((server.address() as AddressInfo).port)
  client.pause()
  client.write(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`)
  await sleep(PAUSE_MS)
  expect(held()).toBe(bytes)

  const chunks: Buffer[] = []
  for await (const chunk of client as AsyncIterable<Buffer>) chunks.push(chunk)
  const answer = Buffer.concat(chunks)
  expect(hashOf([answer.subarray(answer.indexOf('\r\n\r\n') + 4)])).toBe(expected)
  expect(await sent).toBe(200)
  expect(held()).toBe(0)
})
