import { expect, it } from 'vitest'
import { startServer } from '../support/server.ts'

const PATH = '/v1/login/get_token'
const PASSWORD = 'correct horse battery staple'
const auth = (session: string) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: 'alice' },
  password: PASSWORD,
  session,
})

it('lets another device in once, after a confirmation for each', async () => {
  const { client, clock } = await startServer()
  const alice = await client.register('alice')
  const { capabilities } = await alice.get('/v3/capabilities')
  expect(capabilities['m.get_login_token']).toEqual({ enabled: true })
  const { flows } = await client.get('/v3/login')
  expect(flows).toContainEqual({ type: 'm.login.token', get_login_token: true })

  const asked = await alice.request('POST', PATH, {})
  expect([asked.status, asked.body.flows]).toEqual([401, [{ stages: ['m.login.password'] }]])
  const given = await alice.post(PATH, { auth: auth(asked.body.session) })
  expect(given.expires_in_ms).toBe(120_000)
  expect((await alice.request('POST', PATH, { auth: { session: asked.body.session } })).status).toBe(401)

  const logIn = (token: unknown) => client.request('POST', '/v3/login', { type: 'm.login.token', token })
  const opened = await logIn(given.login_token)
  expect(opened.body.user_id).toBe(alice.userId)
  expect(opened.body.device_id).not.toBe(alice.deviceId)
  expect((await logIn(given.login_token)).body.errcode).toBe('M_FORBIDDEN')
  expect((await logIn('guessed')).body.errcode).toBe('M_FORBIDDEN')
  expect((await logIn(undefined)).status).toBe(400)

  const late = await alice.post(PATH, { auth: auth((await alice.request('POST', PATH, {})).body.session) })
  clock.advance(120_000)
  expect((await logIn(late.login_token)).body.errcode).toBe('M_FORBIDDEN')
})

it('lets nobody in once the user has logged out everywhere', async () => {
  const { client } = await startServer()
  const issue = async () => {
    const alice = await client.login('alice')
    const { session } = (await alice.request('POST', PATH, {})).body
    return { alice, token: (await alice.post(PATH, { auth: auth(session) })).login_token }
  }
  const logIn = (token: string) => client.request('POST', '/v3/login', { type: 'm.login.token', token })
  await client.register('alice')
  const first = await issue()
  await first.alice.post('/v3/logout/all')
  expect((await logIn(first.token)).body.errcode).toBe('M_FORBIDDEN')

  const second = await issue()
  const { session } = (await second.alice.request('POST', '/v3/account/password', {})).body
  await second.alice.post('/v3/account/password', { auth: auth(session), new_password: 'a new pass phrase' })
  expect((await logIn(second.token)).body.errcode).toBe('M_FORBIDDEN')
})

it('gives none where they are switched off', async () => {
  const { client } = await startServer({ config: { sessions: { login_tokens: false } } })
  const alice = await client.register('alice')
  expect((await alice.request('POST', PATH, {})).body.errcode).toBe('M_FORBIDDEN')
  expect((await alice.get('/v3/capabilities')).capabilities['m.get_login_token']).toEqual({ enabled: false })
  expect((await client.get('/v3/login')).flows).not.toContainEqual(expect.objectContaining({ type: 'm.login.token' }))
  expect((await client.request('POST', '/v3/login', { type: 'm.login.token', token: 'x' })).status).toBe(400)
})
