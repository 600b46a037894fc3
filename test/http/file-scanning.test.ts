import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { User } from '../support/client.ts'
import { FakeServer } from '../support/fake-server.ts'
import { download, refusal, upload as sent, thumbnail } from '../support/media.ts'
import { startClamd, VIRUS } from '../support/scanners.ts'
import { startServer } from '../support/server.ts'
import { World } from '../support/servers.ts'

type Scanner = NonNullable<NonNullable<ConfigInput['media']>['scanner']>

async function start(scannerOf: (directory: string) => Promise<Scanner>) {
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-scan-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  let log = ''
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      log += chunk
      done()
    },
  })
  const media = { path: join(directory, 'media'), scanner: await scannerOf(directory) }
  const server = await startServer({ config: { media }, log: pino({ level: 'warn' }, stream) })
  /** What is left of files on the disk. */
  const kept = () =>
    readdirSync(media.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
  return {
    alice: await server.client.register('alice'),
    bob: await server.client.register('bob'),
    kept,
    log: () => log,
  }
}

async function upload(user: User, content: string) {
  const answer = await fetch(`${user.url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.accessToken}` },
    body: Buffer.from(content),
  })
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}

it('keeps no file in which the scanner finds something', async () => {
  let socket = ''
  const { alice, bob, kept, log } = await start(async (directory) => {
    socket = join(directory, 'clamd.ctl')
    await startClamd({ path: socket })
    return { kind: 'clamd', path: socket }
  })
  expect(await upload(alice, `a ${VIRUS} b`)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
  expect(kept()).toEqual([])
  expect(log()).toContain('Test.Virus')
  const clean = await upload(alice, 'nothing bad')
  const path = String(clean.body.content_uri).replace('mxc://', '')
  expect(await bob.request('GET', `/v1/media/download/${path}`)).toMatchObject({ status: 200 })

  const { body } = await alice.request('POST', '/_matrix/media/v1/create')
  const announced = String(body.content_uri).replace('mxc://', '')
  const filled = await fetch(`${alice.url}/_matrix/media/v3/upload/${announced}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${alice.accessToken}` },
    body: Buffer.from(VIRUS),
  })
  expect(filled.status).toBe(403)
  const read = await bob.request('GET', `/v1/media/download/${announced}?timeout_ms=0`)
  expect(read).toMatchObject({ status: 504, body: { errcode: 'M_NOT_YET_UPLOADED' } })
})

it('hands on no file of another server, and fetches it no second time, in which the scanner finds something', async () => {
  const world = await World.create()
  const clamd = await startClamd()
  const remote = await world.start('remote.test')
  const path = join(mkdtempSync(join(tmpdir(), 'bongsu-scan-')), 'media')
  onTestFinished(() => rmSync(dirname(path), { recursive: true, force: true }))
  const guarded = await world.start('guarded.test', { media: { path, scanner: { kind: 'clamd', port: clamd.port } } })
  const [alice, bob] = [await guarded.client.register('alice'), await remote.client.register('bob')]
  const large = Buffer.alloc(200_000, VIRUS) // it would be handed on while it comes
  const infected = await sent(bob, large)
  expect(await refusal(await download(alice, infected))).toEqual([403, 'M_FORBIDDEN'])
  expect(await refusal(await download(alice, infected))).toEqual([404, 'M_NOT_FOUND'])
  expect(clamd.files).toHaveLength(1)
  const clean = await download(alice, await sent(bob, 'nothing bad'))
  expect(await clean.text()).toBe('nothing bad')
})

it('shows no thumbnail of another server in which the scanner finds something', async () => {
  const world = await World.create()
  const clamd = await startClamd()
  const peer = await FakeServer.start(world, 'peer.test')
  peer.answers.set('GET /_matrix/federation/v1/media/download/large', () => ({
    status: 502,
    body: { errcode: 'M_TOO_LARGE' },
  }))
  peer.answers.set('GET /_matrix/federation/v1/media/thumbnail/large', () => ({
    headers: { 'content-type': 'multipart/mixed; boundary=b' },
    body: `--b\r\n\r\n{}\r\n--b\r\nContent-Type: image/png\r\n\r\n${VIRUS}\r\n--b--`,
  }))
  const path = join(world.directory, 'media')
  const guarded = await world.start('guarded.test', { media: { path, scanner: { kind: 'clamd', port: clamd.port } } })
  const alice = await guarded.client.register('alice')
  const answer = await thumbnail(alice, 'peer.test/large?width=32&height=32')
  expect(await refusal(answer)).toEqual([403, 'M_FORBIDDEN'])
})

it('refuses all files while the scanner is away, and says so once', async () => {
  const { alice, kept, log } = await start(async (directory) => ({ kind: 'clamd', path: join(directory, 'nobody') }))
  for (let i = 0; i < 3; i++) expect(await upload(alice, 'nothing bad')).toMatchObject({ status: 503 })
  expect(kept()).toEqual([])
  expect(log().split('the virus scanner does not answer')).toHaveLength(2)
})

it('accepts files that nobody scanned where the configuration says so', async () => {
  const { alice } = await start(async (directory) => ({
    kind: 'clamd',
    path: join(directory, 'nobody'),
    if_away: 'accept',
  }))
  expect((await upload(alice, 'nothing bad')).status).toBe(200)
})
