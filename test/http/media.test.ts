import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { User } from '../support/client.ts'
import { FakeClock } from '../support/clock.ts'
import { startServer, type TestServerOptions } from '../support/server.ts'

interface Sent {
  readonly type?: string
  readonly name?: string
}

/** Uploads bytes and returns the server's and the file's name, as they stand in an address. */
async function upload(user: User, content: Buffer | string, { type, name }: Sent = {}): Promise<string> {
  const query = name === undefined ? '' : `?filename=${encodeURIComponent(name)}`
  const answer = await send(user, 'POST', `/_matrix/media/v3/upload${query}`, content, type)
  expect(answer.status).toBe(200)
  return pathOf(JSON.parse(await answer.text()).content_uri)
}

const pathOf = (address: string): string => address.replace('mxc://', '')

const send = (user: User, method: string, path: string, content: Buffer | string, type?: string) =>
  fetch(user.url + path, {
    method,
    headers: { authorization: `Bearer ${user.accessToken}`, ...(type !== undefined && { 'content-type': type }) },
    body: typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content),
  })

const download = (user: User, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${user.url}/_matrix/client/v1/media/download/${path}`, {
    method,
    headers: { authorization: `Bearer ${user.accessToken}`, ...headers },
  })

async function start(options: TestServerOptions = {}) {
  const server = await startServer(options)
  return { ...server, alice: await server.client.register('alice') }
}

describe('an uploaded file', () => {
  it('comes back as it was sent, with the type that the client gave it', async () => {
    const { alice } = await start()
    const content = randomBytes(3_000_000)
    const answer = await download(alice, await upload(alice, content, { type: 'img/png', name: 'test.png' }))
    expect(answer.headers.get('content-type')).toBe('img/png')
    expect(answer.headers.get('content-length')).toBe('3000000')
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true)
  })

  it('needs a token to be read, unless the configuration lets old clients in', async () => {
    const { alice, client } = await start()
    const path = await upload(alice, 'secret')
    expect(await client.request('GET', `/_matrix/client/v1/media/download/${path}`)).toMatchObject({ status: 401 })
    expect(await client.request('GET', `/_matrix/media/v3/download/${path}`)).toMatchObject({ status: 404 })
  })

  it('is served without a token where the configuration says so', async () => {
    const server = await startServer()
    const media = { path: join(server.directory, 'media'), legacy_downloads: true }
    const { alice, client } = await start({ config: { media } })
    const path = await upload(alice, 'public', { type: 'text/plain' })
    expect(await client.request('GET', `/_matrix/media/v3/download/${path}`)).toMatchObject({ body: 'public' })
    expect(await client.request('GET', `/_matrix/media/r0/download/${path}/other.txt`)).toMatchObject({ status: 200 })
  })

  it('is kept once, however often it is sent', async () => {
    const { alice, directory } = await start()
    const content = randomBytes(1000)
    const paths = await Promise.all([upload(alice, content), upload(alice, content)])
    expect(new Set(paths).size).toBe(2)
    const hash = createHash('sha256').update(content).digest('hex')
    const files = readdirSync(join(directory, 'media'), { recursive: true, withFileTypes: true })
    expect(files.filter((file) => file.isFile()).map(({ name }) => name)).toEqual([hash])
    expect(existsSync(join(directory, 'media/files', hash.slice(0, 2), hash.slice(2, 4), hash))).toBe(true)
  })

  it('may be empty', async () => {
    const { alice } = await start()
    const answer = await download(alice, await upload(alice, ''))
    expect([answer.status, await answer.text()]).toEqual([200, ''])
  })

  it('is not found under other names, nor outside the directory', async () => {
    const { alice } = await start()
    for (const path of ['example.org/unknown', 'other.example/abc', 'example.org/..%2F..%2Fbongsu.db', '%2e%2e%2f/x']) {
      expect((await download(alice, path)).status).toBe(404)
    }
  })
})

describe('an upload that is too large', () => {
  const limited = async () => {
    const { directory } = await startServer()
    return start({ config: { media: { path: join(directory, 'media'), max_upload: '64KiB' } } })
  }

  it('is refused before it is read, when it says its size', async () => {
    const { alice } = await limited()
    expect(await alice.get('/v1/media/config')).toEqual({ 'm.upload.size': 65_536 })
    const answer = await alice.request('POST', '/_matrix/media/v3/upload', 'x'.repeat(65_537))
    expect(answer).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } })
  })

  it('is cut off where it does not, and leaves nothing behind', async () => {
    const { alice, server } = await limited()
    let left = 100
    const chunks = new ReadableStream({
      pull: (controller) => (left-- > 0 ? controller.enqueue(new Uint8Array(10_000)) : controller.close()),
    })
    const answer = await fetch(`${alice.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.accessToken}` },
      body: chunks,
      duplex: 'half',
    } as RequestInit).catch(() => undefined)
    if (answer !== undefined) expect(answer.status).toBe(413)
    await server.services.mediaFiles.sweep(0)
    expect((await download(alice, await upload(alice, 'x'.repeat(65_536)))).status).toBe(200)
  })
})

describe('the answer to a download', () => {
  it('shows pictures and text, and lets nothing run', async () => {
    const { alice } = await start()
    const kindOf = async (type: string) => {
      const answer = await download(alice, await upload(alice, '<svg/>', { type }))
      expect(answer.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none';/)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
      return answer.headers.get('content-disposition')
    }
    expect(await kindOf('image/png')).toBe('inline')
    expect(await kindOf('text/plain; charset=utf-8')).toBe('inline')
    for (const type of ['image/svg+xml', 'text/html', 'application/xhtml+xml', 'application/pdf', 'IMAGE/SVG+XML']) {
      expect(await kindOf(type)).toBe('attachment')
    }
  })

  it('offers names in both forms, composed', async () => {
    const { alice } = await start()
    const offered = async (name: string, suffix = '') => {
      const answer = await download(alice, (await upload(alice, 'x', { name, type: 'image/png' })) + suffix)
      return answer.headers.get('content-disposition')
    }
    expect(await offered('name;with "quotes"')).toBe('inline; filename="name;with \\"quotes\\""')
    expect(await offered('예산안.hwp'.normalize('NFD'))).toBe(
      `inline; filename="___.hwp"; filename*=utf-8''${encodeURIComponent('예산안.hwp')}`,
    )
    expect(await offered('a.png', `/${encodeURIComponent('☕')}`)).toBe(
      `inline; filename="_"; filename*=utf-8''%E2%98%95`,
    )
    expect(await offered('a%20b 100%.png')).toBe(
      `inline; filename="a%20b 100%.png"; filename*=utf-8''a%2520b%20100%25.png`,
    )
    expect(await offered('100% %.png')).toBe('inline; filename="100% %.png"')
    expect(await offered('../../etc/passwd')).toBe('inline; filename=".._.._etc_passwd"')
  })

  it('knows HWP and HWPX, which browsers do not', async () => {
    const { alice } = await start()
    const typeOf = async (sent: Sent) =>
      (await download(alice, await upload(alice, 'x', sent))).headers.get('content-type')
    expect(await typeOf({ name: '보고서.hwp', type: 'application/octet-stream' })).toBe('application/x-hwp')
    expect(await typeOf({ name: '보고서.HWPX' })).toBe('application/hwp+zip')
    expect(await typeOf({ name: 'other' })).toBe('application/octet-stream')
  })

  it('is the part that was asked for', async () => {
    const { alice } = await start()
    const path = await upload(alice, '0123456789')
    const part = async (range: string, more: Record<string, string> = {}) => {
      const answer = await download(alice, path, { range, ...more })
      return [answer.status, answer.headers.get('content-range'), await answer.text()]
    }
    expect(await part('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234'])
    expect(await part('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789'])
    expect(await part('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789'])
    expect(await part('bytes=5-99')).toEqual([206, 'bytes 5-9/10', '56789'])
    expect(await part('bytes=10-')).toEqual([416, 'bytes */10', ''])
    for (const nonsense of ['bytes=4-2', 'bytes=-', 'lines=1-2', 'bytes=0-1,4-5']) {
      expect(await part(nonsense)).toEqual([200, null, '0123456789'])
    }
    expect(await part('bytes=2-4', { 'if-range': '"older"' })).toEqual([200, null, '0123456789'])
  })

  it('has no body for those who have it, or only ask about it', async () => {
    const { alice } = await start()
    const path = await upload(alice, '0123456789')
    const head = await download(alice, path, {}, 'HEAD')
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
    const tag = head.headers.get('etag') ?? ''
    for (const tags of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await download(alice, path, { 'if-none-match': tags })
      expect([again.status, await again.text()]).toEqual([304, ''])
    }
    expect((await download(alice, path, { 'if-none-match': '"other", W/"another"' })).status).toBe(200)
  })
})

describe('an announced file', () => {
  const announce = async (user: User) => pathOf((await user.post('/_matrix/media/v1/create')).content_uri)

  it('is filled once, by who announced it', async () => {
    const { alice, client } = await start()
    const bob = await client.register('bob')
    const path = await announce(alice)
    const fill = async (user: User) => {
      const answer = await send(user, 'PUT', `/_matrix/media/v3/upload/${path}`, 'here', 'text/plain')
      return JSON.parse(await answer.text()).errcode
    }
    expect(await fill(bob)).toBe('M_FORBIDDEN')
    expect(await fill(alice)).toBeUndefined()
    expect(await fill(alice)).toBe('M_CANNOT_OVERWRITE_MEDIA')
    expect(await (await download(bob, path)).text()).toBe('here')
    const unknown = await alice.request('PUT', '/_matrix/media/v3/upload/example.org/unknown', 'x')
    expect(unknown).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
  })

  it('is waited for, as long as the reader likes', async () => {
    const { alice, client } = await start()
    const bob = await client.register('bob')
    const path = await announce(alice)
    const early = await bob.request('GET', `/v1/media/download/${path}?timeout_ms=0`)
    expect(early).toMatchObject({ status: 504, body: { errcode: 'M_NOT_YET_UPLOADED' } })
    const waiting = download(bob, path)
    await send(alice, 'PUT', `/_matrix/media/v3/upload/${path}`, 'at last')
    expect(await (await waiting).text()).toBe('at last')
  })

  it('is forgotten when it does not come', async () => {
    const { alice, clock, server } = await start()
    const path = await announce(alice)
    clock.advance(24 * 3_600_000)
    const late = await send(alice, 'PUT', `/_matrix/media/v3/upload/${path}`, 'late')
    expect(late.status).toBe(404)
    await server.services.media.expire()
    expect((await download(alice, path)).status).toBe(404)
  })

  it('is not there when it comes too late, also where it began in time', async () => {
    const { clock, server } = await start()
    const { media } = server.services
    const userNid = 1
    const [serverName = '', mediaId = ''] = pathOf((await media.announce(userNid)).address).split('/')
    const content = async function* () {
      yield Buffer.from('half')
      clock.advance(24 * 3_600_000)
      await media.expire()
    }
    const late = media.fill(
      userNid,
      { serverName, mediaId },
      { contentType: undefined, filename: undefined, content: content() },
    )
    await expect(late).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' })
  })

  it('is as old as its content', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bongsu-media-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const clock = new FakeClock()
    const freeze = new Date(clock.now() + 86_400_000).toISOString().slice(0, 10)
    const media = { path: directory, legacy_downloads: true, legacy_freeze: freeze, pending_for: '7d' }
    const { alice } = await start({ clock, config: { media } })
    const old = async (path: string) => (await fetch(`${alice.url}/_matrix/media/v3/download/${path}`)).status
    const [early, late] = [await announce(alice), await announce(alice)]
    await send(alice, 'PUT', `/_matrix/media/v3/upload/${early}`, 'x')
    clock.advance(2 * 86_400_000)
    await send(alice, 'PUT', `/_matrix/media/v3/upload/${late}`, 'x')
    expect([await old(early), await old(late)]).toEqual([200, 404])
  })

  it('counts against a limit until it is there', async () => {
    const { alice } = await start()
    for (let i = 0; i < 20; i++) await announce(alice)
    const refused = await alice.request('POST', '/_matrix/media/v1/create')
    expect(refused).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } })
  })
})
