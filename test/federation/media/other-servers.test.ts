import { PassThrough, Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { FakeServer, type Given } from '../../support/fake-server.ts'
import { until } from '../../support/federated.ts'
import { bytesOf, download, refusal } from '../../support/media.ts'
import { World } from '../../support/servers.ts'

const MEDIA = '/_matrix/federation/v1/media/download/file'

/** Alice on our server, and a server that is not ours which answers so when it is asked for `file`. */
async function withPeer(answer?: Given) {
  const world = await World.create()
  const one = await world.start('one.test')
  const peer = await FakeServer.start(world, 'peer.test')
  if (answer) peer.answers.set(`GET ${MEDIA}`, () => answer)
  return { world, one, peer, alice: await one.client.register('alice') }
}

/** An answer of parts, each with its headers above it. */
const parts = (...texts: string[]): Given => ({
  headers: { 'content-type': 'multipart/mixed; boundary="b"' },
  body: `${texts.map((text) => `--b\r\n${text}\r\n`).join('')}--b--\r\n`,
})
const METADATA = 'Content-Type: application/json\r\n\r\n{}'

it('reads what other servers write', async () => {
  const { alice } = await withPeer(
    parts(
      METADATA,
      `content-type: text/plain\r\ncontent-disposition: inline; filename*=UTF-8''%EA%B0%80.txt\r\n\r\nhere`,
    ),
  )
  const answer = await download(alice, 'peer.test/file')
  expect(answer.headers.get('content-type')).toBe('text/plain')
  expect(answer.headers.get('content-disposition')).toBe(`inline; filename="_.txt"; filename*=utf-8''%EA%B0%80.txt`)
  expect(await answer.text()).toBe('here')
})

it('follows where the other server says that the file is, but not to places without TLS', async () => {
  const { peer, alice, world } = await withPeer(parts(METADATA, 'Location: https://cdn.test/file\r\n\r\n'))
  const cdn = await FakeServer.start(world, 'cdn.test', { port: 443 })
  cdn.answers.set('GET /file', () => ({ headers: { 'content-type': 'image/png' }, body: 'picture' }))
  const answer = await download(alice, 'peer.test/file')
  expect([answer.headers.get('content-type'), await answer.text()]).toEqual(['image/png', 'picture'])
  expect(cdn.got[0]?.headers.authorization).toBeUndefined()
  const plain = parts(METADATA, 'Location: http://cdn.test/file\r\n\r\n')
  peer.answers.set('GET /_matrix/federation/v1/media/download/other', () => plain)
  expect(await refusal(await download(alice, 'peer.test/other'))).toEqual([502, 'M_UNKNOWN'])
})

it('asks on the old path a server that knows no other, and has it ask nobody else', async () => {
  const { peer, alice } = await withPeer()
  peer.answers.set('GET /_matrix/media/v3/download/peer.test/file', () => ({
    headers: { 'content-type': 'text/plain', 'content-disposition': 'attachment; filename="a;b.txt"' },
    body: 'old',
  }))
  const answer = await download(alice, 'peer.test/file')
  expect(answer.headers.get('content-disposition')).toBe('inline; filename="a;b.txt"')
  expect(await answer.text()).toBe('old')
  expect(peer.got.at(-1)?.uri).toContain('allow_remote=false')
})

it.each(['utf8', 'latin1'] as const)('reads a name that stands in a header as it is, in %s', async (encoding) => {
  const { peer, alice } = await withPeer()
  const name = encoding === 'utf8' ? '예산안.hwp' : 'café.txt'
  const disposition = `attachment; filename="${Buffer.from(name, encoding).toString('latin1')}"`
  peer.answers.set('GET /_matrix/media/v3/download/peer.test/file', () => ({
    headers: { 'content-type': 'text/plain', 'content-disposition': disposition },
    body: 'old',
  }))
  const offered = (await download(alice, 'peer.test/file')).headers.get('content-disposition')
  expect(offered).toContain(`filename*=utf-8''${encodeURIComponent(name)}`)
})

it('does not ask on the old path where the new one said that there is no such file', async () => {
  const { peer, alice } = await withPeer({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
  expect(await refusal(await download(alice, 'peer.test/file'))).toEqual([404, 'M_NOT_FOUND'])
  expect(peer.got.map(({ uri }) => uri.split('?')[0])).not.toContain('/_matrix/media/v3/download/peer.test/file')
})

it('takes neither nonsense nor halves for files', async () => {
  const { peer, alice } = await withPeer()
  const nonsense: Given[] = [
    { body: {} },
    parts(METADATA),
    { ...parts(METADATA), headers: { 'content-type': 'multipart/mixed' } },
    { ...parts(), body: `--b\r\n${METADATA}\r\n--b\r\n\r\nhal` },
    parts(METADATA, 'Content-Length: 5\r\n\r\nfour'),
    parts(METADATA, 'Content-Length: 3\r\n\r\nfour'),
    parts(METADATA, `${'x'.repeat(20_000)}: y\r\n\r\nfour`),
    { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } },
  ]
  for (const [index, answer] of nonsense.entries()) {
    peer.answers.set(`GET /_matrix/federation/v1/media/download/n${index}`, () => answer)
    expect(await refusal(await download(alice, `peer.test/n${index}`))).toEqual([502, 'M_UNKNOWN'])
  }
  expect((await download(alice, 'peer.test/..%2Ffile')).status).toBe(404)
})

it('hands a file on while it comes, to all who ask, and asks for it once', async () => {
  const half = Buffer.alloc(300_000, 'x')
  const body = new PassThrough()
  const frame = Buffer.from(`--b\r\n${METADATA}\r\n--b\r\nContent-Length: 600000\r\n\r\n`)
  const end = Buffer.from('\r\n--b--')
  const length = String(frame.length + 2 * half.length + end.length)
  const headers = { 'content-type': 'multipart/mixed; boundary=b', 'content-length': length }
  const { peer, alice } = await withPeer({ headers, body })
  body.write(frame)
  body.write(half)
  const [first, second] = await Promise.all([download(alice, 'peer.test/file'), download(alice, 'peer.test/file')])
  const reader = first.body?.getReader()
  for (let seen = 0; seen < half.length - 10; ) seen += (await reader?.read())?.value?.length ?? 0
  await reader?.cancel() // who leaves takes nothing from the others
  body.write(half)
  body.end(end)
  expect((await bytesOf(second)).length).toBe(600_000)
  expect((await bytesOf(await download(alice, 'peer.test/file'))).length).toBe(600_000)
  expect(peer.got.filter(({ uri }) => uri.startsWith(MEDIA))).toHaveLength(1)
})

it('gives everybody a part of what is fetched at once, however much one asks for', async () => {
  const { one, peer, alice } = await withPeer()
  const bob = await one.client.register('bob')
  const held = new AbortController()
  peer.otherwise = ({ uri }) =>
    uri.includes('slow') ? new Promise(() => {}) : parts(METADATA, 'Content-Type: text/plain\r\n\r\nhere')
  for (let i = 0; i < 8; i++) {
    const headers = { authorization: `Bearer ${alice.accessToken}` }
    fetch(`${alice.url}/_matrix/client/v1/media/download/peer.test/slow${i}`, { headers, signal: held.signal }).catch(
      () => {},
    )
  }
  await until(
    async () => peer.got.filter(({ uri }) => uri.includes('slow')).length,
    (count) => count >= 3,
  )
  expect(await (await download(bob, 'peer.test/quick')).text()).toBe('here')
  held.abort()
})

it('cuts a file off that turns out to be larger than it said, and asks again next time', async () => {
  const content = Readable.from([Buffer.alloc(200_000, 'x')])
  const { peer, alice } = await withPeer()
  const frame = `--b\r\n${METADATA}\r\n--b\r\nContent-Length: 100000\r\n\r\n`
  peer.answers.set(`GET ${MEDIA}`, () => {
    const body = new PassThrough()
    body.write(frame)
    content.pipe(body)
    return { headers: { 'content-type': 'multipart/mixed; boundary=b', 'content-length': '300000' }, body }
  })
  const answer = await download(alice, 'peer.test/file')
  await expect(bytesOf(answer)).rejects.toThrow()
  peer.answers.set(`GET ${MEDIA}`, () => parts(METADATA, 'Content-Type: text/plain\r\n\r\nmended'))
  expect(await (await download(alice, 'peer.test/file')).text()).toBe('mended')
})
