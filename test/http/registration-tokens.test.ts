import { describe, expect, it } from 'vitest'
import { administrator } from '../support/administrator.ts'
import type { Client } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const password = 'sUp3rs3kr1t'
const VALIDITY = '/v1/register/m.login.registration_token/validity'

async function start() {
  const started = await startServer({ config: { registration: { mode: 'token' } } })
  const { registrationTokens } = started.server.services
  const register = (username: string, token: string, session?: string) =>
    started.client.request('POST', '/v3/register', {
      username,
      password,
      auth: { type: 'm.login.registration_token', token, ...(session && { session }) },
    })
  return { ...started, started, registrationTokens, register }
}

const session = async (client: Client, username: string): Promise<string> =>
  (await client.request('POST', '/v3/register', { username, password })).body.session

describe('registration by token', () => {
  it('asks for one, and takes it with a session or without', async () => {
    const { client, registrationTokens, register } = await start()
    const token = await registrationTokens.create({ usesAllowed: 2 })
    const asked = await client.request('POST', '/v3/register', { username: 'alice', password })
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.registration_token'] }] } })
    expect((await register('alice', token, asked.body.session)).status).toBe(200)
    expect((await register('bob', token)).status).toBe(200)
    expect(await registrationTokens.list()).toMatchObject([{ token, pending: 0, completed: 2 }])
    const third = await register('carol', token)
    expect(third).toMatchObject({ status: 401, body: { errcode: 'M_UNAUTHORIZED', completed: [] } })
  })

  it('does not let more people in than a token allows, however fast they come', async () => {
    const { registrationTokens, register } = await start()
    const token = await registrationTokens.create({ usesAllowed: 1 })
    const answers = await Promise.all(['a1', 'a2', 'a3', 'a4'].map((name) => register(name, token)))
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 401, 401, 401])
  })

  it('gives back the use of who never finishes', async () => {
    const { client, clock, registrationTokens, register, server } = await start()
    const token = await registrationTokens.create({ usesAllowed: 1 })
    await register('alice', token)
    const taken = await registrationTokens.create({ usesAllowed: 1 })
    // The name is taken, so the session stays and holds the token.
    const failed = await client.request('POST', '/v3/register', {
      username: 'alice',
      password,
      auth: { type: 'm.login.registration_token', token: taken },
    })
    expect(failed.body.errcode).toBe('M_USER_IN_USE')
    expect(await client.get(`${VALIDITY}?token=${taken}`)).toEqual({ valid: false })
    clock.advance(15 * 60_000 + 1)
    await server.services.uiaSessions.expire()
    expect(await client.get(`${VALIDITY}?token=${taken}`)).toEqual({ valid: true })
  })

  it('says whether a token is good', async () => {
    const { client, clock, registrationTokens } = await start()
    await registrationTokens.create({ token: 'spring', expiresTs: clock.now() + 1000 })
    expect(await client.get(`${VALIDITY}?token=spring`)).toEqual({ valid: true })
    expect(await client.get(`${VALIDITY}?token=autumn`)).toEqual({ valid: false })
    clock.advance(1001)
    expect(await client.get(`${VALIDITY}?token=spring`)).toEqual({ valid: false })
    await registrationTokens.delete('spring')
    expect(await registrationTokens.list()).toEqual([])
  })

  it('does not accept the dummy stage', async () => {
    const { client } = await start()
    const auth = { type: 'm.login.dummy', session: await session(client, 'alice') }
    const { status, body } = await client.request('POST', '/v3/register', { username: 'alice', password, auth })
    expect([status, body.errcode]).toEqual([401, 'M_FORBIDDEN'])
  })

  it('is refused the question where tokens are not used', async () => {
    const { client } = await startServer()
    const { status, body } = await client.request('GET', `${VALIDITY}?token=x`)
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is prepared by administrators alone', async () => {
    const { started, client, register, registrationTokens } = await start()
    const boss = await administrator(started)
    const path = '/_synapse/admin/v1/registration_tokens'
    const made = await boss.post(`${path}/new`, { token: 'spring', uses_allowed: 3 })
    expect(made).toMatchObject({ token: 'spring', uses_allowed: 3, pending: 0, completed: 0, expiry_time: null })
    expect((await register('alice', 'spring')).status).toBe(200)
    expect((await boss.get(path)).registration_tokens).toMatchObject([{ token: 'spring', completed: 1 }])
    const alice = await client.login('alice', password)
    for (const [method, where] of [
      ['GET', path],
      ['POST', `${path}/new`],
      ['DELETE', `${path}/spring`],
    ] as const) {
      expect((await alice.request(method, where, method === 'GET' ? undefined : {})).status).toBe(403)
    }
    await boss.delete(`${path}/spring`)
    expect(await registrationTokens.list()).toEqual([])
  })
})
