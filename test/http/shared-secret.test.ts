import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Client } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const SECRET = 'complement'
const PATH = '/_synapse/admin/v1/register'
const start = () => startServer({ config: { registration: { mode: 'closed', shared_secret: SECRET } } })

async function register(client: Client, username: string, more: { admin?: boolean; user_type?: string } = {}) {
  const { nonce } = await client.get(PATH)
  const password = 'sUp3rs3kr1t'
  const fields = [nonce, username, password, more.admin ? 'admin' : 'notadmin']
  if (more.user_type) fields.push(more.user_type)
  const mac = createHmac('sha1', SECRET).update(fields.join('\0')).digest('hex')
  const body = { nonce, username, password, mac, ...more }
  return { body, answer: await client.request('POST', PATH, body) }
}

describe('registration with the shared secret', () => {
  it('makes people, administrators and bots, whatever the mode', async () => {
    const { client, server } = await start()
    const { answer } = await register(client, 'user-UPPER')
    expect(answer).toMatchObject({ status: 200, body: { user_id: '@user-upper:example.org' } })
    expect(answer.body.access_token).toEqual(expect.any(String))
    await register(client, 'boss', { admin: true })
    await register(client, 'robot', { user_type: 'bot' })
    const { accounts } = server.services
    expect(await accounts.get('boss')).toMatchObject({ isAdmin: true })
    expect(await accounts.get('user-upper')).toMatchObject({ isAdmin: false })
    expect((await accounts.get('robot')).userType).toBe('bot')
  })

  it('refuses odd names, a wrong MAC and a nonce that was used or is old', async () => {
    const { client, clock } = await start()
    expect((await register(client, 'us,er')).answer.body.errcode).toBe('M_INVALID_USERNAME')
    const { body } = await register(client, 'alice')
    const again = await client.request('POST', PATH, body)
    expect(again).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } })
    const { nonce } = await client.get(PATH)
    const forged = await client.request('POST', PATH, { ...body, username: 'bob', nonce })
    expect(forged).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    const old = await client.get(PATH)
    clock.advance(60_001)
    expect((await client.request('POST', PATH, { ...body, nonce: old.nonce })).status).toBe(400)
  })

  it('is not there without a secret', async () => {
    const { client } = await startServer()
    const { status, body } = await client.request('GET', PATH)
    expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
  })
})
