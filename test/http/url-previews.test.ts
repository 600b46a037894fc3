import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { User } from '../support/client.ts'
import { TestNetwork } from '../support/network.ts'
import { startServer, type TestServerOptions } from '../support/server.ts'
import { startWebSite } from '../support/web-site.ts'

type Previews = NonNullable<NonNullable<ConfigInput['media']>['previews']>

const LOOPBACK: Previews = { enabled: true, allow: ['*:*'], allow_addresses: ['127.0.0.1'] }

async function start(previews: Previews = LOOPBACK, options: TestServerOptions = {}) {
  const path = mkdtempSync(join(tmpdir(), 'bongsu-media-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  const media = { path, previews }
  const server = await startServer({ ...options, config: { media, ...options.config } })
  return { ...server, site: await startWebSite(), alice: await server.client.register('alice') }
}

const ask = (user: User, url: string, ts?: number) =>
  user.request('GET', `/v1/media/preview_url?url=${encodeURIComponent(url)}${ts === undefined ? '' : `&ts=${ts}`}`)

const picture = () =>
  sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } })
    .png()
    .toBuffer()

it('shows what a page says of itself, with its picture as a file of this server', async () => {
  const { alice, site } = await start()
  const png = await picture()
  site.put('/a/page', '<meta property="og:title" content="봉수"><meta property="og:image" content="../red.png">')
  site.put('/red.png', png, 'text/plain')
  const { status, body } = await ask(alice, `${site.url}/a/page#part`)
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      'og:title': '봉수',
      'og:image': expect.stringMatching(/^mxc:\/\/example\.org\/[\w-]+$/),
      'og:image:type': 'image/png',
      'og:image:width': 30,
      'og:image:height': 20,
      'matrix:image:size': png.length,
    },
  })
  const address = String(body['og:image']).replace('mxc://', '')
  const file = await fetch(`${alice.url}/_matrix/client/v1/media/download/${address}`, {
    headers: { authorization: `Bearer ${alice.accessToken}` },
  })
  expect(file.headers.get('content-type')).toBe('image/png')
  expect(Buffer.from(await file.arrayBuffer()).equals(png)).toBe(true)
})

it('serves the old path too, and tells clients that there are previews', async () => {
  const { alice, site } = await start()
  site.put('/', '<title>old</title>')
  const old = await alice.request('GET', `/_matrix/media/v3/preview_url?url=${encodeURIComponent(site.url)}`)
  expect(old).toMatchObject({ status: 200, body: { 'og:title': 'old' } })
  const { body } = await alice.request('GET', '/v3/capabilities')
  expect(body.capabilities['io.element.msc4452.preview_url']).toEqual({ enabled: true })
})

it('has none unless the configuration says so', async () => {
  const server = await startServer()
  const alice = await server.client.register('alice')
  expect(await ask(alice, 'https://example.com/')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
  const { body } = await alice.request('GET', '/v3/capabilities')
  expect(body.capabilities['io.element.msc4452.preview_url']).toEqual({ enabled: false })
})

it('asks oEmbed where the page leaves something out', async () => {
  const { alice, site } = await start()
  site.put('/', '<title>t</title><link rel=alternate type="application/json+oembed" href="/oembed?u=1">')
  site.put(
    '/oembed?u=1',
    '{"type":"photo","url":"/p.png","title":"embedded","provider_name":"Site"}',
    'application/json',
  )
  site.put('/p.png', await picture(), 'image/png')
  expect((await ask(alice, site.url)).body).toMatchObject({
    'og:title': 'embedded',
    'og:site_name': 'Site',
    'og:image:width': 30,
  })
})

it('shows a link to a picture, and nothing of other files', async () => {
  const { alice, site } = await start()
  site.put('/p.png', await picture(), 'image/png')
  site.put('/p.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml')
  site.put('/a.zip', 'PK', 'application/zip')
  expect((await ask(alice, `${site.url}/p.png`)).body).toMatchObject({ 'og:image:type': 'image/png' })
  expect(await ask(alice, `${site.url}/p.svg`)).toMatchObject({ status: 200, body: {} })
  expect((await ask(alice, `${site.url}/a.zip`)).body).toEqual({})
})

it('fetches a page once, for all who ask at once and later, until it has had its time', async () => {
  const { alice, site, clock } = await start()
  site.put('/', '<title>first</title>')
  const asked = clock.now()
  const answers = await Promise.all([ask(alice, site.url), ask(alice, `${site.url}/`), ask(alice, `${site.url}/#x`)])
  expect(answers.map(({ body }) => body)).toEqual(Array(3).fill({ 'og:title': 'first' }))
  await ask(alice, site.url)
  expect(site.asked).toEqual(['/'])
  site.put('/', '<title>second</title>')
  clock.advance(25 * 3_600_000)
  expect((await ask(alice, site.url)).body).toEqual({ 'og:title': 'second' })
  expect((await ask(alice, site.url, asked + 1000)).body).toEqual({ 'og:title': 'first' })
  expect(site.asked).toEqual(['/', '/'])
})

it('does not try a link that failed again and again', async () => {
  const { alice, site, clock } = await start()
  expect(await ask(alice, `${site.url}/gone`)).toMatchObject({ status: 502, body: { errcode: 'M_UNKNOWN' } })
  expect((await ask(alice, `${site.url}/gone`)).status).toBe(502)
  expect(site.asked).toEqual(['/gone'])
  site.put('/gone', '<title>back</title>')
  clock.advance(61_000)
  expect((await ask(alice, `${site.url}/gone`)).body).toEqual({ 'og:title': 'back' })
})

it('reads no more than it should: too large, unfolding, or without an end', async () => {
  const { alice, site } = await start({ ...LOOPBACK, max_size: '64KiB' })
  site.put('/large', `<title>t</title>${' '.repeat(70_000)}`)
  site.put('/bomb', (_req, res) =>
    res
      .writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' })
      .end(gzipSync(Buffer.alloc(20_000_000, ' '))),
  )
  site.put('/endless', (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/html' })
    const more = () => {
      while (res.write('x'.repeat(16_384))) {}
    }
    res.on('drain', more)
    more()
  })
  site.put('/packed', (_req, res) =>
    res
      .writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' })
      .end(gzipSync('<title>packed</title>')),
  )
  for (const path of ['/large', '/bomb', '/endless']) expect((await ask(alice, site.url + path)).status).toBe(502)
  expect((await ask(alice, `${site.url}/packed`)).body).toEqual({ 'og:title': 'packed' })
})

it('follows a few redirects, and each only where the first could have led', async () => {
  const { alice, site } = await start({ ...LOOPBACK, block: ['localhost'] })
  const to = (location: string) => site.put('/to', (_req, res) => res.writeHead(302, { location }).end())
  site.put('/end', '<title>end</title>')
  to('/end')
  expect((await ask(alice, `${site.url}/to`)).body).toEqual({ 'og:title': 'end' })
  for (const [i, place] of [
    `${site.url.replace('127.0.0.1', 'localhost')}/end`,
    '/to',
    'file:///etc/passwd',
  ].entries()) {
    to(place)
    site.put(`/start${i}`, (_req, res) => res.writeHead(307, { location: '/to' }).end())
    expect((await ask(alice, `${site.url}/start${i}`)).status).toBe(502)
  }
  expect(site.asked.filter((path) => path === '/end')).toHaveLength(1)
})

it('reaches no private address, not even one that partners of this server have', async () => {
  const network = new TestNetwork()
  network.name('inner.test', '10.0.0.1')
  network.name('partner.test', '10.9.0.1')
  const { alice } = await start(
    { enabled: true, block: ['*.secret.test'] },
    { network, config: { outbound: { allow: ['10.9.0.0/16'] } } },
  )
  for (const url of ['http://inner.test/', 'https://partner.test/', 'http://127.0.0.1/', 'http://nowhere.test/']) {
    // The same for what is not there: nobody learns what is.
    expect(await ask(alice, url)).toMatchObject({ status: 502, body: { error: 'This link has no preview' } })
  }
  for (const url of ['http://a.secret.test/', 'http://inner.test:8080/']) {
    expect((await ask(alice, url)).status).toBe(403)
  }
  expect((await ask(alice, 'gopher://inner.test/')).status).toBe(400)
  expect(network.attempts).toEqual([])
})

it('keeps nobody waiting for the slow links of somebody else', async () => {
  const { alice, site, client } = await start()
  const bob = await client.register('bob')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow = Array.from({ length: 8 }, (_, i) => {
    site.put(`/slow${i}`, (_req, res) => held.then(() => res.writeHead(404).end()))
    return ask(alice, `${site.url}/slow${i}`)
  })
  site.put('/quick', '<title>quick</title>')
  while (site.asked.length < 4) await setImmediate()
  expect((await ask(bob, `${site.url}/quick`)).body).toEqual({ 'og:title': 'quick' })
  expect(site.asked).toHaveLength(5)
  release()
  await Promise.all(slow)
})

it('limits how many one user may ask for', async () => {
  const rates = { preview: { user: { per_second: 1, burst: 2 } } }
  const { alice, site } = await start(LOOPBACK, { config: { rate_limits: rates } })
  site.put('/', '<title>t</title>')
  const answers = [await ask(alice, site.url), await ask(alice, site.url), await ask(alice, site.url)]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
})
