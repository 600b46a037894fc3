import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startServer } from '../support/server.ts'

const password = 'sUp3rs3kr1t'
const terms = [{ name: 'Terms <of> use', version: '1', url: 'https://example.org/terms' }]
const page = (stage: string, session: string) => `/v3/auth/${stage}/fallback/web?session=${session}`

describe('terms at registration', () => {
  it('are shown to the client and must be accepted', async () => {
    const { client } = await startServer({ config: { registration: { mode: 'open', terms } } })
    const { status, body } = await client.request('POST', '/v3/register', { username: 'alice', password })
    expect(status).toBe(401)
    expect(body.flows).toEqual([{ stages: ['m.login.terms'] }])
    const { name, version, url } = terms[0] ?? {}
    expect(body.params).toEqual({ 'm.login.terms': { policies: { policy_1: { version, en: { name, url } } } } })
    const auth = { type: 'm.login.terms', session: body.session }
    expect((await client.post('/v3/register', { username: 'alice', password, auth })).user_id).toBe(
      '@alice:example.org',
    )
  })

  it('can be accepted on a page of the server', async () => {
    const { client } = await startServer({ config: { registration: { mode: 'open', terms } } })
    const { session } = (await client.request('POST', '/v3/register', { username: 'alice', password })).body
    const shown = await client.request('GET', page('m.login.terms', session))
    expect(shown.status).toBe(200)
    expect(shown.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(shown.body).toContain('Terms &lt;of&gt; use')
    expect(shown.body).not.toContain(session)
    await client.post(page('m.login.terms', session))
    const made = await client.post('/v3/register', { username: 'alice', password, auth: { session } })
    expect(made.user_id).toBe('@alice:example.org')
  })
})

describe('the pages of user-interactive authentication', () => {
  it('run their own script only, in no frame', async () => {
    const { client } = await startServer()
    const { session } = (await client.request('POST', '/v3/register', {})).body
    const { headers, body } = await client.request('GET', page('m.login.dummy', session))
    const script = /<script>(.*)<\/script>/s.exec(body)?.[1] ?? ''
    const digest = createHash('sha256').update(script).digest('base64')
    expect(headers.get('content-security-policy')).toContain(`script-src 'sha256-${digest}'`)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(script).toContain('onAuthDone')
  })

  it('confirm a password, of the right account only', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice', password)
    await client.register('bob', password)
    const { session } = (await alice.request('POST', '/v3/account/deactivate', {})).body
    const path = page('m.login.password', session)
    expect((await client.request('POST', path, { user: 'alice', password: 'wrong one' })).status).toBe(403)
    expect((await client.request('POST', path, { user: 'bob', password })).status).toBe(403)
    expect((await alice.request('POST', '/v3/account/deactivate', { auth: { session } })).status).toBe(401)
    await client.post(path, { user: 'alice', password })
    expect((await alice.request('POST', '/v3/account/deactivate', { auth: { session } })).status).toBe(200)
  })

  it('take no password for a session that anybody may have begun', async () => {
    const { client } = await startServer()
    await client.register('alice', password)
    const { session } = (await client.request('POST', '/v3/account/password', {})).body
    const path = page('m.login.password', session)
    expect((await client.request('GET', path)).status).toBe(404)
    expect((await client.request('POST', path, { user: 'alice', password })).status).toBe(403)
    const stolen = { auth: { session }, new_password: 'st0len s3cr3t' }
    expect((await client.request('POST', '/v3/account/password', stolen)).status).toBe(401)
  })

  it('know no session that has ended and no stage that the flow does not have', async () => {
    const { client, clock } = await startServer()
    const { session } = (await client.request('POST', '/v3/register', {})).body
    expect((await client.request('POST', page('m.login.terms', session), {})).status).toBe(403)
    expect((await client.request('GET', page('m.login.odd', session))).status).toBe(404)
    clock.advance(15 * 60_000 + 1)
    expect((await client.request('GET', page('m.login.dummy', session))).status).toBe(400)
    expect((await client.request('POST', page('m.login.dummy', session), {})).status).toBe(404)
  })

  it('let people log in whose client cannot', async () => {
    const { client } = await startServer()
    const { status, headers, body } = await client.request('GET', '/_matrix/static/client/login/?device_id=ABC')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(body).toContain('matrixLogin.onLogin')
  })
})
