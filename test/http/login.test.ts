import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../support/client.ts'
import { openServer, startServer, type TestServer } from '../support/server.ts'

const PASSWORD = 'correct horse battery staple'
const asUser = (user: string) => ({ type: 'm.id.user', user })

describe('logging in', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await openServer()
  })
  afterAll(() => server.close())
  const post = (body: object) => server.client.request('POST', '/v3/login', body)
  const attempt = (user: string, password = PASSWORD, more = {}) =>
    post({ type: 'm.login.password', identifier: asUser(user), password, ...more })

  it('offers the password flow', async () => {
    expect((await server.client.get('/v3/login')).flows).toContainEqual({ type: 'm.login.password' })
  })

  it.each(['l-alice', 'L-ALICE', '@l-alice:example.org', '@L-Alice:example.org'])('knows %s', async (user) => {
    await server.client.register('l-alice').catch(() => {})
    const { status, body } = await attempt(user)
    expect(status).toBe(200)
    expect(body.user_id).toBe('@l-alice:example.org')
    const whoami = await new Client(server.url, body.access_token).get('/v3/account/whoami')
    expect(whoami).toEqual({ user_id: body.user_id, device_id: body.device_id, is_guest: false })
  })

  it('still takes a user the way older clients name one, and the r0 path', async () => {
    await server.client.register('l-old')
    const body = { type: 'm.login.password', user: 'l-old', password: PASSWORD }
    expect((await server.client.request('POST', '/r0/login', body)).status).toBe(200)
  })

  it('tells a wrong password and a missing account apart from nothing', async () => {
    await server.client.register('l-bob')
    const wrong = await attempt('l-bob', 'wrong')
    const nobody = await attempt('l-nobody')
    expect(wrong.status).toBe(403)
    expect(wrong.body.errcode).toBe('M_FORBIDDEN')
    expect(nobody.body).toEqual(wrong.body)
    expect((await attempt('@l-bob:elsewhere.org')).body).toEqual(wrong.body)
  })

  it('refuses other kinds of login and of identifier', async () => {
    expect(await post({ type: 'm.login.nonsense' })).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } })
    const identifier = { type: 'm.id.thirdparty', medium: 'email', address: 'a@example.org' }
    const byMail = await post({ type: 'm.login.password', identifier, password: PASSWORD })
    expect(byMail).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    const odd = await post({ type: 'm.login.password', identifier: { type: 'org.odd' }, password: PASSWORD })
    expect(odd).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } })
    expect((await post({ type: 'm.login.password' })).status).toBe(400)
  })

  it('voids what a device had been given before, and keeps its name', async () => {
    await server.client.register('l-carol')
    const wish = { device_id: 'PHONE', initial_device_display_name: 'Phone' }
    const first = (await attempt('l-carol', PASSWORD, wish)).body
    const second = (await attempt('l-carol', PASSWORD, { ...wish, initial_device_display_name: 'Other' })).body
    expect(second.device_id).toBe('PHONE')
    const old = await new Client(server.url, first.access_token).request('GET', '/v3/account/whoami')
    expect(old).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false } })
    const device = await new Client(server.url, second.access_token).get('/v3/devices/PHONE')
    expect(device).toMatchObject({ device_id: 'PHONE', display_name: 'Phone', last_seen_ip: '127.0.0.1' })
  })

  it('keeps a locked account out, and soft-logs out its clients', async () => {
    const dave = await server.client.register('l-dave')
    const { accounts } = server.server.services
    const { userNid } = await accounts.get('l-dave')
    await accounts.setLocked(userNid, true)
    const locked = { status: 401, body: { errcode: 'M_USER_LOCKED', soft_logout: true } }
    expect(await dave.request('GET', '/v3/account/whoami')).toMatchObject(locked)
    expect(await attempt('l-dave')).toMatchObject(locked)
    expect((await attempt('l-dave', 'wrong')).status).toBe(403)
    await accounts.setLocked(userNid, false)
    expect((await dave.request('GET', '/v3/account/whoami')).status).toBe(200)
    await accounts.setLocked(userNid, true)
    expect((await dave.request('POST', '/v3/logout')).status).toBe(200)
  })
})

describe('limits on logging in', () => {
  it('hold for an account wherever the attempts come from', async () => {
    const login = { user: { per_second: 0.1, burst: 3 } }
    const { client, clock } = await startServer({ config: { rate_limits: { login } } })
    await client.register('alice')
    const attempt = (password: string) =>
      client.request('POST', '/v3/login', { type: 'm.login.password', identifier: asUser('alice'), password })
    for (let i = 0; i < 3; i++) expect((await attempt('wrong')).status).toBe(403)
    const { status, body, headers } = await attempt(PASSWORD)
    expect([status, body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED'])
    expect(headers.get('retry-after')).toBe('10')
    clock.advance(10_000)
    expect((await attempt(PASSWORD)).status).toBe(200)
  })

  it('hold for an address wherever it tries passwords', async () => {
    const login = { address: { per_second: 0.1, burst: 2 } }
    for (const path of ['/v3/account/password', '/v3/account/deactivate']) {
      const { client } = await startServer({ config: { rate_limits: { login } } })
      const statuses: number[] = []
      for (const user of ['alice', 'bob', 'carol']) {
        const auth = { type: 'm.login.password', identifier: asUser(user), password: 'Spring2026!' }
        statuses.push((await client.request('POST', path, { auth })).status)
      }
      expect(statuses).toEqual([401, 401, 429])
      const auth = { type: 'm.login.email.identity' }
      expect((await client.request('POST', path, { auth })).status).toBe(401)
    }
  })
})

describe('tokens that run out', () => {
  const start = () =>
    startServer({ config: { sessions: { refreshable_token_lifetime: '1h', access_token_lifetime: '30d' } } })
  const whoami = (url: string, token: string) => new Client(url, token).request('GET', '/v3/account/whoami')

  it('are renewed with a refresh token, which works until its successor is used', async () => {
    const { client, url, clock } = await start()
    await client.register('alice')
    const wish = { type: 'm.login.password', identifier: asUser('alice'), password: PASSWORD, refresh_token: true }
    const login = await client.post('/v3/login', wish)
    expect(login).toMatchObject({ expires_in_ms: 3_600_000, refresh_token: expect.any(String) })
    clock.advance(3_600_001)
    expect(await whoami(url, login.access_token)).toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true },
    })
    const refresh = () => client.request('POST', '/v3/refresh', { refresh_token: login.refresh_token })
    await refresh() // its answer is lost
    const renewed = (await refresh()).body
    expect((await whoami(url, renewed.access_token)).status).toBe(200)
    expect(await refresh()).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false } })
  })

  it('only soft-log out clients that cannot renew them', async () => {
    const { client, clock } = await start()
    const alice = await client.register('alice')
    clock.advance(30 * 86_400_000 + 1)
    const { status, body } = await alice.request('GET', '/v3/account/whoami')
    expect([status, body.errcode, body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', true])
  })
})
