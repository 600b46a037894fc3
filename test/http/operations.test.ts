import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { startServer } from '../support/server.ts'

/** A log that a test can read: its lines, parsed, and as they were written. */
function memoryLog() {
  let written = ''
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written += chunk
      done()
    },
  })
  const lines = () =>
    written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  return { log: pino({ level: 'trace' }, stream), lines, written: () => written }
}

describe('the log', () => {
  it('has one line for each request: who, what, how it went', async () => {
    const { log, lines } = memoryLog()
    const { client } = await startServer({ log })
    const alice = await client.register('alice')
    await alice.get('/v3/account/whoami')
    expect(lines().at(-1)).toMatchObject({
      op: 'client.getTokenOwner',
      user: '@alice:example.org',
      status: 200,
      ms: expect.any(Number),
      req: expect.any(String),
    })
  })

  it('names the path where there is no operation', async () => {
    const { log, lines } = memoryLog()
    const { client } = await startServer({ log })
    await client.request('GET', '/wp-login.php?password=secret')
    expect(lines().at(-1)).toMatchObject({ method: 'GET', path: '/wp-login.php', status: 404 })
  })

  it('never has a token, a password or a message', async () => {
    const { log, written } = memoryLog()
    const { client } = await startServer({ log })
    const alice = await client.register('alice', 'a-secret-password')
    const roomId = await alice.createRoom()
    await alice.send(roomId, 'a secret message')
    await alice.request('GET', `/v3/account/whoami?access_token=${alice.accessToken}`)
    await client.request('POST', '/v3/login', '{"password":"a-secret-password')
    await client.request('GET', `/v3/account/whoami?access_token=${alice.accessToken}x`)
    expect(written()).not.toMatch(/secret/)
    expect(written()).not.toContain(alice.accessToken)
  })
})

describe('reverse proxies', () => {
  /** The second login attempt of one address within a short time is one too many. */
  const config = { rate_limits: { login: { address: { per_second: 0.01, burst: 1 } } } }
  const statusFor = async (url: string, forwardedFor: string) => {
    const head = rawRequest(
      'POST',
      '/_matrix/client/v3/login',
      [`X-Forwarded-For: ${forwardedFor}`, 'Content-Length: 2'],
      '{}',
    )
    return (await sendRaw(url, head)).split(' ')[1]
  }

  it('are believed about the address of a client when they are trusted', async () => {
    const { url } = await startServer({ config: { ...config, trusted_proxies: ['127.0.0.0/8'] } })
    expect(await statusFor(url, '192.0.2.1')).toBe('400')
    expect(await statusFor(url, '192.0.2.2')).toBe('400')
    expect(await statusFor(url, '192.0.2.1')).toBe('429')
  })

  it('cannot be made up: what stands left of a stranger, the stranger wrote', async () => {
    const { url } = await startServer({ config: { ...config, trusted_proxies: ['127.0.0.0/8'] } })
    expect(await statusFor(url, '198.51.100.1, 192.0.2.1')).toBe('400')
    expect(await statusFor(url, '198.51.100.2, 192.0.2.1')).toBe('429')
  })

  it('are not believed otherwise', async () => {
    const { url } = await startServer({ config })
    expect(await statusFor(url, '192.0.2.1')).toBe('400')
    expect(await statusFor(url, '192.0.2.2')).toBe('429')
  })
})

describe('rate limits', () => {
  it('say when to come back, and let through then', async () => {
    const { client, clock } = await startServer({
      config: { rate_limits: { message: { user: { per_second: 1, burst: 2 } } } },
    })
    const alice = await client.register('alice')
    const roomId = await alice.createRoom()
    await alice.send(roomId, 'one')
    await alice.send(roomId, 'two')
    const refused = await alice.request('PUT', `/v3/rooms/${roomId}/send/m.room.message/x`, { body: 'three' })
    expect(refused).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1000 } })
    expect(refused.headers.get('retry-after')).toBe('1')
    clock.advance(1000)
    await alice.send(roomId, 'three')
  })

  it('count invites, however they are sent, and rooms that are made', async () => {
    const user = { per_second: 1, burst: 2 }
    const { client, clock } = await startServer({
      config: { rate_limits: { invite: { user }, join: { user: { per_second: 1, burst: 3 } } } },
    })
    const alice = await client.register('alice')
    const people = ['@b:example.org', '@c:example.org', '@d:example.org']
    const limited = (waitMs: number) => ({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: waitMs } })
    // Many at once are let through, and then have to be waited for.
    const roomId = await alice.createRoom({ invite: people })
    expect(await alice.request('POST', '/v3/createRoom', { invite: people })).toMatchObject(limited(2000))
    const [path, invite] = [`${roomPath(roomId)}/state/m.room.member/@e:example.org`, { membership: 'invite' }]
    expect(await alice.request('PUT', path, invite)).toMatchObject(limited(2000))
    await alice.createRoom()
    clock.advance(100)
    expect(await alice.request('POST', '/v3/createRoom', {})).toMatchObject(limited(900))
    clock.advance(2000)
    await alice.put(path, invite)
  })
})

describe('the end of the server', () => {
  it('cuts no request that was accepted', async () => {
    const { url, close } = await startServer()
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname).setEncoding('latin1')
    const body = '{"type":"m.login.nothing"}'
    const head = rawRequest('POST', '/_matrix/client/v3/login', [
      `Content-Length: ${body.length}`,
      'Expect: 100-continue',
    ])
    let received = ''
    const asked = new Promise<void>((resolve) => socket.on('data', () => resolve()))
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.write(head)
    await asked // the server has begun with the request
    const ended = new Promise((resolve) => socket.once('close', resolve))
    const closed = close(1000)
    socket.write(body)
    await Promise.all([ended, closed])
    expect(received).toMatch(/HTTP\/1.1 400.*errcode/s)
  })

  it('takes no new connections', async () => {
    const { client, close } = await startServer()
    await close()
    await expect(client.get('/versions')).rejects.toThrow()
  })
})

describe('/health and /metrics', () => {
  it('can be kept away from clients', async () => {
    const { client } = await startServer({
      config: { listeners: [{ address: '127.0.0.1', port: 0, serves: ['client'] }] },
    })
    expect((await client.request('GET', '/health')).status).toBe(404)
    expect((await client.request('GET', '/metrics')).status).toBe(404)
  })

  it('count requests by operation', async () => {
    const { client } = await startServer()
    await client.get('/versions')
    const text = await client.get('/metrics')
    expect(text).toContain('bongsu_http_requests_total{operation="client.getVersions",status="2xx"} 1')
    expect(text).toMatch(/nodejs_eventloop_lag_p99_seconds \d/)
  })
})

describe('TLS', () => {
  const fixture = (name: string) => resolve(import.meta.dirname, '../fixtures/tls', name)
  const listener = { address: '127.0.0.1', port: 0, serves: ['client' as const] }
  const tls = { certificate_file: fixture('localhost.crt'), key_file: fixture('localhost.key') }

  it('is served where a certificate is given', async () => {
    const { url } = await startServer({ config: { listeners: [{ ...listener, tls }] } })
    const ca = readFileSync(tls.certificate_file)
    const { port } = new URL(url)
    const [response] = await once(get({ host: 'localhost', port, path: '/_matrix/client/versions', ca }), 'response')
    expect(JSON.parse(await text(response)).versions).toContain('v1.1')
  })

  it('is never left out because its certificate is missing', async () => {
    const broken = { ...tls, certificate_file: fixture('missing.crt') }
    await expect(startServer({ config: { listeners: [{ ...listener, tls: broken }] } })).rejects.toThrow('missing.crt')
  })
})
