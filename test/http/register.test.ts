import { describe, expect, it } from 'vitest'
import { Client } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const dummy = { type: 'm.login.dummy' }
const password = 'sUp3rs3kr1t'

describe('registration', () => {
  it('answers an empty body with the flows to complete', async () => {
    const { client } = await startServer()
    const { status, body } = await client.request('POST', '/v3/register', {})
    expect(status).toBe(401)
    expect((await client.request('POST', '/v3/register', { auth: null })).status).toBe(401)
    expect(body).toEqual({
      session: expect.any(String),
      flows: [{ stages: ['m.login.dummy'] }],
      params: {},
      completed: [],
    })
  })

  it('makes an account in one request, without a session', async () => {
    const { client } = await startServer()
    const made = await client.post('/v3/register', { auth: dummy, username: 'alice', password })
    expect(made).toEqual({
      user_id: '@alice:example.org',
      home_server: 'example.org',
      device_id: expect.stringMatching(/^[A-Z]{10}$/),
      access_token: expect.any(String),
    })
  })

  it('makes an account with the session of an earlier answer', async () => {
    const { client } = await startServer()
    const wish = { username: 'alice', password: 'übers3kr1t', device_id: 'xyzzy' }
    const { body } = await client.request('POST', '/v3/register', wish)
    const made = await client.post('/v3/register', { ...wish, auth: { ...dummy, session: body.session } })
    expect(made).toMatchObject({ user_id: '@alice:example.org', device_id: 'xyzzy' })
  })

  it('gives the account again to a client that repeats its request', async () => {
    const { client } = await startServer()
    const wish = { username: 'alice', password }
    const { session } = (await client.request('POST', '/v3/register', wish)).body
    const full = { ...wish, auth: { ...dummy, session } }
    const first = await client.post('/v3/register', full)
    const second = await client.post('/v3/register', full)
    expect(second.user_id).toBe(first.user_id)
    expect(second.access_token).not.toBe(first.access_token)
    const other = await client.request('POST', '/v3/register', { ...full, password: 'not the same one' })
    expect(other).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } })
  })

  it('folds capitals in user names', async () => {
    const { client } = await startServer()
    expect((await client.register('Alice-UPPER')).userId).toBe('@alice-upper:example.org')
  })

  it('finds a name for whoever brings none', async () => {
    const { client } = await startServer()
    const made = await client.post('/v3/register', { auth: dummy, password })
    expect(made.user_id).toMatch(/^@[a-z]{14}:example\.org$/)
  })

  it('refuses names that are no localparts', async () => {
    const { client } = await startServer()
    for (const username of ['us!er', 'us er', 'ü', 'a:b', '@alice', '_alice', '', 'x'.repeat(250), 'line\nbreak']) {
      const { status, body } = await client.request('POST', '/v3/register', { auth: dummy, username, password })
      expect([username, status, body.errcode]).toEqual([username, 400, 'M_INVALID_USERNAME'])
    }
  })

  it('refuses a name that is taken, whoever asks first', async () => {
    const { client } = await startServer()
    await client.register('alice')
    const { status, body } = await client.request('POST', '/v3/register', { auth: dummy, username: 'ALICE', password })
    expect([status, body.errcode]).toEqual([400, 'M_USER_IN_USE'])
    const race = ['a', 'b', 'c'].map((suffix) =>
      client.request('POST', '/v3/register', { auth: dummy, username: 'bob', password: password + suffix }),
    )
    expect((await Promise.all(race)).map((answer) => answer.status).toSorted()).toEqual([200, 400, 400])
  })

  it('refuses a weak password and a missing one', async () => {
    const { client } = await startServer()
    const weak = await client.request('POST', '/v3/register', { auth: dummy, username: 'alice', password: 'short' })
    expect(weak).toMatchObject({ status: 400, body: { errcode: 'M_WEAK_PASSWORD' } })
    const none = await client.request('POST', '/v3/register', { auth: dummy, username: 'alice' })
    expect(none).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } })
  })

  it('makes an account without a login when asked to', async () => {
    const { client } = await startServer()
    const made = await client.post('/v3/register', { auth: dummy, username: 'alice', password, inhibit_login: true })
    expect(made).toEqual({ user_id: '@alice:example.org', home_server: 'example.org' })
    await client.login('alice', password)
  })

  it('lets nobody in while it is closed', async () => {
    const { client } = await startServer({ config: { registration: { mode: 'closed' } } })
    for (const body of [{}, { auth: dummy, username: 'alice', password }]) {
      expect(await client.request('POST', '/v3/register', body)).toMatchObject({
        status: 403,
        body: { errcode: 'M_FORBIDDEN' },
      })
    }
    expect((await client.request('GET', '/v3/register/available?username=x')).status).toBe(403)
  })

  it('says whether a name is free', async () => {
    const { client } = await startServer()
    await client.register('alice')
    expect(await client.get('/v3/register/available?username=bob')).toEqual({ available: true })
    const taken = await client.request('GET', '/v3/register/available?username=Alice')
    expect(taken).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } })
    const invalid = await client.request('GET', '/v3/register/available?username=a,b')
    expect(invalid).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_USERNAME' } })
  })
})

describe('guests', () => {
  it('come in without a name and cannot do what guests may not', async () => {
    const { client, url } = await startServer()
    const guest = await client.post('/v3/register?kind=guest')
    expect(guest.user_id).toMatch(/^@[a-z]{14}:example\.org$/)
    const asGuest = new Client(url, guest.access_token)
    expect(await asGuest.get('/v3/account/whoami')).toMatchObject({ user_id: guest.user_id, is_guest: true })
    for (const [method, path] of [
      ['POST', '/v3/createRoom'],
      ['POST', '/v3/account/password'],
      ['POST', '/v3/user_directory/search'],
    ] as const) {
      const { status, body } = await asGuest.request(method, path, { search_term: 'x' })
      expect([path, status, body.errcode]).toEqual([path, 403, 'M_GUEST_ACCESS_FORBIDDEN'])
    }
  })

  it('stay outside where guests are not let in', async () => {
    const { client } = await startServer({ config: { registration: { mode: 'open' } } })
    const { status, body } = await client.request('POST', '/v3/register?kind=guest', {})
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })
})
