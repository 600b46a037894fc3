import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { FakeServer } from '../../support/fake-server.ts'
import { pair, until } from '../../support/federated.ts'
import { bytesOf, download, refusal, thumbnail, upload } from '../../support/media.ts'
import { World } from '../../support/servers.ts'

const filesOf = (directory: string): string[] =>
  readdirSync(join(directory, 'media/files'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)

it('fetches a file of another server once, and serves it like one of its own from then on', async () => {
  const { world, two, alice, bob } = await pair()
  const content = randomBytes(2_000_000)
  const path = await upload(bob, content, { type: 'application/x-hwp', name: '예산안 "최종".hwp' })
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => download(alice, path)))
  for (const answer of [first, ...others]) {
    expect(answer?.status).toBe(200)
    expect(answer?.headers.get('content-length')).toBe('2000000')
    expect(answer && (await bytesOf(answer)).equals(content)).toBe(true)
  }
  world.network.cut(two.address)
  const again = await until(
    () => download(alice, path, { range: 'bytes=10-19' }), // 200 until the end of it is on disk
    ({ status }) => status === 206,
  )
  expect((await bytesOf(again)).equals(content.subarray(10, 20))).toBe(true)
  const known = await download(alice, path)
  for (const header of ['content-type', 'content-disposition', 'content-security-policy', 'x-content-type-options'])
    expect(known.headers.get(header)).toBe(first?.headers.get(header))
  expect(known.headers.get('content-type')).toBe('application/x-hwp')
  expect(known.headers.get('content-disposition')).toBe(
    `attachment; filename="___ \\"__\\".hwp"; filename*=utf-8''${encodeURIComponent('예산안 "최종".hwp')}`,
  )
  expect(known.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/)
  await known.body?.cancel()
})

it('keeps the same content once, whichever servers it comes from', async () => {
  const { one, alice, bob } = await pair()
  const content = randomBytes(1000)
  const [ours, theirs] = [await upload(alice, content), await upload(bob, content, { name: 'other.txt' })]
  for (const path of [ours, theirs]) expect((await bytesOf(await download(alice, path))).equals(content)).toBe(true)
  expect(filesOf(one.directory)).toHaveLength(1)
})

it('makes thumbnails of the pictures of other servers', async () => {
  const { alice, bob } = await pair()
  const picture = sharp({ create: { width: 1600, height: 900, channels: 3, background: '#c0392b' } })
  const path = await upload(bob, await picture.png().toBuffer(), { type: 'image/png' })
  const answer = await thumbnail(alice, `${path}?width=320&height=240&method=scale`)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
  expect(await sharp(await bytesOf(answer)).metadata()).toMatchObject({ width: 320, height: 180 })
})

it('waits on the other server for a file that is announced, as long as the reader likes', async () => {
  const { alice, bob } = await pair()
  const path = (await bob.post('/_matrix/media/v1/create')).content_uri.replace('mxc://', '')
  expect(await refusal(await download(alice, `${path}?timeout_ms=0`))).toEqual([504, 'M_NOT_YET_UPLOADED'])
  const waiting = download(alice, path)
  await fetch(`${bob.url}/_matrix/media/v3/upload/${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${bob.accessToken}` },
    body: 'at last',
  })
  expect(await (await waiting).text()).toBe('at last')
})

it('tells what the other server has not from a server that is away', async () => {
  const { world, two, alice, bob } = await pair()
  expect(await refusal(await download(alice, 'two.test/unknown'))).toEqual([404, 'M_NOT_FOUND'])
  const path = await upload(bob, 'here')
  world.network.cut(two.address)
  expect(await refusal(await download(alice, path))).toEqual([502, 'M_UNKNOWN'])
  expect(await refusal(await thumbnail(alice, `${path}?width=32&height=32`))).toEqual([502, 'M_UNKNOWN'])
})

it('neither fetches from, nor serves, servers that it does not talk to, and says nothing of what it has', async () => {
  const world = await World.create()
  const federation = { mode: 'list' as const, servers: [{ name: 'two.test' }] }
  const one = await world.start('one.test', { federation })
  const two = await world.start('two.test')
  const three = await world.start('three.test')
  const [alice, bob, carol] = [
    await one.client.register('alice'),
    await two.client.register('bob'),
    await three.client.register('carol'),
  ]
  const [listed, unlisted] = [await upload(bob, 'listed'), await upload(carol, 'unlisted')]
  expect(await (await download(alice, listed)).text()).toBe('listed')
  const attempts = world.network.attempts.length
  const unknown = await download(alice, 'one.test/unknown')
  const refused = await download(alice, unlisted)
  expect([refused.status, await refused.text()]).toEqual([unknown.status, await unknown.text()])
  expect(world.network.attempts).toHaveLength(attempts)

  const stranger = await FakeServer.start(world, 'stranger.test')
  const [, mediaId] = (await upload(alice, 'secret')).split('/')
  for (const id of [mediaId, 'unknown']) {
    const answer = await stranger.ask(one, 'GET', `/_matrix/federation/v1/media/download/${id}`)
    expect([answer.status, answer.body.errcode]).toEqual([401, 'M_UNAUTHORIZED'])
  }
  expect(await refusal(await download(carol, `one.test/${mediaId}`))).toEqual([502, 'M_UNKNOWN'])
})

it('refuses files that are larger than it wants, with nothing left of them', async () => {
  const world = await World.create()
  const one = await world.start('one.test', {
    media: { path: join(world.directory, 'media'), remote: { max_size: '64KiB' } },
  })
  const two = await world.start('two.test')
  const [alice, bob] = [await one.client.register('alice'), await two.client.register('bob')]
  const [large, fitting] = [await upload(bob, 'x'.repeat(65_537)), await upload(bob, 'x'.repeat(65_536))]
  expect(await refusal(await download(alice, large))).toEqual([502, 'M_TOO_LARGE'])
  expect((await download(alice, fitting)).status).toBe(200)
})

it('asks the other server for a thumbnail of a picture that is too large to be fetched', async () => {
  const world = await World.create()
  const one = await world.start('one.test', {
    media: { path: join(world.directory, 'media'), remote: { max_size: '1KiB' } },
  })
  const two = await world.start('two.test')
  const [alice, bob] = [await one.client.register('alice'), await two.client.register('bob')]
  const picture = sharp({ create: { width: 1600, height: 900, channels: 3, background: '#c0392b' } })
  const path = await upload(bob, await picture.png().toBuffer(), { type: 'image/png' })
  for (let times = 0; times < 2; times++) {
    const answer = await thumbnail(alice, `${path}?width=320&height=240`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
    expect(await sharp(await bytesOf(answer)).metadata()).toMatchObject({ width: 320, height: 180 })
    world.network.cut(two.address)
  }
  expect((await thumbnail(alice, `${path}?width=640&height=480`)).status).toBe(502)
})

it('asks for it, too, where it has the picture and cannot make it small', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const peer = await FakeServer.start(world, 'peer.test')
  const alice = await one.client.register('alice')
  const bomb = await sharp({ create: { width: 8100, height: 8000, channels: 3, background: '#c0392b' } })
    .png({ compressionLevel: 9 })
    .toBuffer()
  const headers = { 'content-type': 'image/png' }
  peer.answers.set('GET /_matrix/media/v3/download/peer.test/large', () => ({ headers, body: Readable.from([bomb]) }))
  const ask = () => thumbnail(alice, 'peer.test/large?width=96&height=96')
  peer.answers.set('GET /_matrix/federation/v1/media/thumbnail/large', () => ({
    status: 413,
    body: { errcode: 'M_TOO_LARGE' },
  }))
  expect(await refusal(await ask())).toEqual([502, 'M_TOO_LARGE'])
  const small = await sharp({ create: { width: 96, height: 96, channels: 3, background: '#c0392b' } })
    .png()
    .toBuffer()
  peer.answers.delete('GET /_matrix/federation/v1/media/thumbnail/large')
  peer.answers.set('GET /_matrix/media/v3/thumbnail/peer.test/large', () => ({ headers, body: Readable.from([small]) }))
  expect((await bytesOf(await ask())).equals(small)).toBe(true)
})

it('serves strangers on the old paths what came before the freeze, and fetches nothing for them after it', async () => {
  const world = await World.create()
  const { clock } = world
  const two = await world.start('two.test')
  const bob = await two.client.register('bob')
  const freeze = new Date(clock.now() + 86_400_000).toISOString().slice(0, 10)
  const one = await world.start('one.test', {
    media: { path: join(world.directory, 'media'), legacy_downloads: true, legacy_freeze: freeze },
  })
  const old = async (path: string) => (await fetch(`${one.url}/_matrix/media/v3/download/${path}`)).status
  const [early, late] = [await upload(bob, 'early'), await upload(bob, 'late')]
  expect(await old(`${early}?allow_remote=false`)).toBe(404)
  expect(await old(early)).toBe(200)
  expect(await old(`${early}?allow_remote=false`)).toBe(200)
  clock.advance(2 * 86_400_000)
  expect([await old(early), await old(late)]).toEqual([200, 404])
  const alice = await one.client.register('alice')
  expect((await download(alice, late)).status).toBe(200)
  expect(await old(late)).toBe(404)
})
