import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { scanByClamd } from '../../../src/services/media/scan/clamd.ts'
import { scanByIcap } from '../../../src/services/media/scan/icap.ts'
import type { NewFile } from '../../../src/services/media/scan/scan.ts'
import { startClamd, startIcap, VIRUS } from '../../support/scanners.ts'

const fileOf = (...pieces: Buffer[]): NewFile => ({
  bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
  async *read() {
    yield* pieces
  },
})

const HOST = '127.0.0.1'
const clean = () => fileOf(randomBytes(70_000), Buffer.alloc(0), Buffer.from('end'))
const infected = () => fileOf(randomBytes(1000), Buffer.from(VIRUS))
const forever = () => new AbortController().signal
const icap = (port: number, method: 'RESPMOD' | 'REQMOD' = 'RESPMOD') =>
  scanByIcap({ url: new URL(`icap://${HOST}:${port}/avscan`), method })

async function bytesOf(file: NewFile): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of file.read()) pieces.push(piece)
  return Buffer.concat(pieces)
}

it('gives clamd the file, piece by piece, and learns what it found', async () => {
  const clamd = await startClamd()
  const scan = scanByClamd({ host: HOST, port: clamd.port })
  const file = clean()
  expect(await scan(file, forever())).toBeUndefined()
  expect(clamd.files[0]?.equals(await bytesOf(file))).toBe(true)
  expect(await scan(infected(), forever())).toBe('Test.Virus')
  expect(await scan(fileOf(), forever())).toBeUndefined()
})

it.each(['RESPMOD', 'REQMOD'] as const)('gives a service over ICAP the file by %s', async (method) => {
  const service = await startIcap()
  const scan = icap(service.port, method)
  const file = clean()
  expect(await scan(file, forever())).toBeUndefined()
  expect(service.files[0]?.equals(await bytesOf(file))).toBe(true)
  expect(service.heads[0]).toMatch(
    new RegExp(`^${method} icap://127.0.0.1:\\d+/avscan ICAP/1.0\r\n[^]*\r\nAllow: 204\r\n`),
  )
  expect(await scan(infected(), forever())).toBe('Test.Virus')
})

it('takes any other file in its place for a refusal', async () => {
  const service = await startIcap(
    () => 'ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  )
  expect(await icap(service.port)(clean(), forever())).toBe('something that it does not name')
})

it.each([
  [
    'clamd: too large for it',
    async () =>
      scanByClamd({ host: HOST, port: (await startClamd({}, () => 'INSTREAM size limit exceeded. ERROR\0')).port }),
  ],
  [
    'clamd: nonsense',
    async () => scanByClamd({ host: HOST, port: (await startClamd({}, () => 'x'.repeat(20_000))).port }),
  ],
  ['ICAP: no such service', async () => icap((await startIcap(() => 'ICAP/1.0 404 Service not found\r\n\r\n')).port)],
  ['ICAP: half an answer', async () => icap((await startIcap(() => 'ICAP/1.0 204')).port)],
  ['nobody there', async () => scanByClamd({ path: '/nonexistent/clamd.ctl' })],
])('does not take for clean what is no such answer: %s', async (_what, scanner) => {
  const scan = await scanner()
  await expect(scan(clean(), forever())).rejects.toThrow()
})

it('waits no longer than it should for one that reads and says nothing, or does not even read', async () => {
  for (const reads of [true, false]) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      if (reads) socket.resume()
      onTestFinished(() => {
        socket.destroy()
      })
    })
    onTestFinished(() => {
      server.close()
    })
    await once(server.listen(0, HOST), 'listening')
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('It has no port')
    const large = fileOf(...Array.from({ length: 200 }, () => Buffer.alloc(65_536)))
    const scan = scanByClamd({ host: HOST, port: address.port })
    await expect(scan(large, AbortSignal.timeout(50))).rejects.toThrow('took too long')
  }
})

it('fails with the file', async () => {
  const clamd = await startClamd()
  const broken: NewFile = {
    bytes: 10,
    async *read() {
      yield Buffer.from('half')
      throw new Error('The disk is broken')
    },
  }
  await expect(scanByClamd({ host: HOST, port: clamd.port })(broken, forever())).rejects.toThrow('The disk is broken')
})
