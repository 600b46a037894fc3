import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Client, type User } from '../support/client.ts'
import { openServer, type TestServer } from '../support/server.ts'

const PASSWORD = 'correct horse battery staple'
const byPassword = (user: string, password = PASSWORD) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
})
const status = async (client: Client) => (await client.request('GET', '/v3/account/whoami')).status

let server: TestServer
beforeAll(async () => {
  server = await openServer()
})
afterAll(() => server.close())

/** A user with two devices. */
async function twoDevices(name: string): Promise<[User, User]> {
  return [await server.client.register(name), await server.client.login(name)]
}

describe('logging out', () => {
  it('ends one login and its device', async () => {
    const [first, second] = await twoDevices('out-one')
    await second.post('/v3/logout')
    expect(await status(second)).toBe(401)
    const { devices } = await first.get('/v3/devices')
    expect(devices.map((device: { device_id: string }) => device.device_id)).toEqual([first.deviceId])
  })

  it('ends all logins', async () => {
    const [first, second] = await twoDevices('out-all')
    await second.post('/v3/logout/all')
    expect([await status(first), await status(second)]).toEqual([401, 401])
  })

  it('ends what would still prove who somebody is', async () => {
    const [first, second] = await twoDevices('out-openid')
    const { openIdTokens } = server.server.services
    const issue = async (user: User) =>
      (await user.post(`/v3/user/${encodeURIComponent(user.userId)}/openid/request_token`)).access_token
    const token = await issue(second)
    await first.post('/v3/logout')
    expect(await openIdTokens.userOf(token)).toBe(second.userId)
    await second.post('/v3/logout/all')
    await expect(openIdTokens.userOf(token)).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' })
  })

  it('keeps from who waits for news what comes after it, and so does locking an account', async () => {
    const [first, second] = await twoDevices('out-poll')
    const bob = await server.client.register('out-poll-bob')
    const roomId = await bob.createRoom({ preset: 'public_chat' })
    await first.join(roomId)
    const { accounts } = server.server.services
    const { userNid } = await accounts.get('out-poll')
    const answerOf = async (user: User, ending: () => Promise<unknown>) => {
      const { next_batch: since } = await user.get('/v3/sync')
      const answered = user.request('GET', `/v3/sync?since=${since}&timeout=20000`)
      await vi.waitFor(async () => expect(await server.client.get('/metrics')).toMatch(/^bongsu_sync_waiting 1$/m))
      await ending()
      await bob.send(roomId, 'secret')
      const { status, body } = await answered
      return [status, body.errcode]
    }
    const logOut = () => second.post('/v3/logout')
    expect(await answerOf(second, logOut)).toEqual([401, 'M_UNKNOWN_TOKEN'])
    expect(await answerOf(first, () => accounts.setLocked(userNid, true))).toEqual([401, 'M_USER_LOCKED'])
  })

  it('takes a token that is known', async () => {
    const none = await server.client.request('POST', '/v3/logout')
    expect(none).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } })
  })
})

describe('devices', () => {
  it('are listed, shown and renamed', async () => {
    const [first, second] = await twoDevices('dev-list')
    await first.put(`/v3/devices/${second.deviceId}`, { display_name: '휴대폰' })
    const shown = await second.get(`/v3/devices/${second.deviceId}`)
    expect(shown).toMatchObject({ device_id: second.deviceId, display_name: '휴대폰' })
    expect((await first.get('/v3/devices')).devices).toHaveLength(2)
    expect((await first.request('PUT', '/v3/devices/UNKNOWN', { display_name: 'x' })).status).toBe(404)
    expect((await first.request('GET', '/v3/devices/UNKNOWN')).status).toBe(404)
  })

  it('go once their owner gives the password', async () => {
    const [first, second] = await twoDevices('dev-delete')
    const path = `/v3/devices/${second.deviceId}`
    const asked = await first.request('DELETE', path)
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }], params: {} } })
    expect(asked.body).not.toHaveProperty('errcode')
    const { session } = asked.body
    const wrong = await first.request('DELETE', path, { auth: { ...byPassword('dev-delete', 'wrong'), session } })
    expect(wrong).toMatchObject({ status: 401, body: { errcode: 'M_FORBIDDEN', session } })
    const right = { auth: { ...byPassword('dev-delete'), session } }
    expect((await first.request('DELETE', path, right)).status).toBe(200)
    expect(await status(second)).toBe(401)
    expect((await first.request('GET', path)).status).toBe(404)
    // The answer was lost, say.
    expect((await first.request('DELETE', path, right)).status).toBe(200)
  })

  it('do not go by the password of somebody else', async () => {
    const [first, second] = await twoDevices('dev-owner')
    await server.client.register('dev-other')
    const path = `/v3/devices/${second.deviceId}`
    expect((await first.request('DELETE', path, { auth: byPassword('dev-other') })).status).toBe(403)
    expect(await status(second)).toBe(200)
  })

  it('need a session of their own: one for another device does not do', async () => {
    const [first, second] = await twoDevices('dev-session')
    const third = await server.client.login('dev-session')
    const { session } = (await first.request('DELETE', `/v3/devices/${second.deviceId}`)).body
    const done = await first.request('DELETE', `/v3/devices/${second.deviceId}`, {
      auth: { ...byPassword('dev-session'), session },
    })
    expect(done.status).toBe(200)
    const other = await first.request('DELETE', `/v3/devices/${third.deviceId}`, { auth: { session } })
    expect(other.status).toBe(401)
    expect(await status(third)).toBe(200)
  })

  it('go several at a time', async () => {
    const [first, second] = await twoDevices('dev-many')
    const third = await server.client.login('dev-many')
    const devices = [second.deviceId, third.deviceId, 'UNKNOWN']
    expect((await first.request('POST', '/v3/delete_devices', { devices })).status).toBe(401)
    await first.post('/v3/delete_devices', { devices, auth: byPassword('dev-many') })
    expect([await status(first), await status(second), await status(third)]).toEqual([200, 401, 401])
  })
})

describe('changing the password', () => {
  const change = (user: User, name: string, more: object, password = PASSWORD) =>
    user.request('POST', '/v3/account/password', { auth: byPassword(name, password), ...more })

  it('ends the other logins, unless told to keep them', async () => {
    const [first, second] = await twoDevices('pw-change')
    expect((await change(first, 'pw-change', { new_password: 'a new password' })).status).toBe(200)
    expect([await status(first), await status(second)]).toEqual([200, 401])
    const old = await server.client.request('POST', '/v3/login', byPassword('pw-change'))
    expect(old).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    const third = await server.client.login('pw-change', 'a new password')
    const kept = { new_password: 'one more password', logout_devices: false }
    expect((await change(first, 'pw-change', kept, 'a new password')).status).toBe(200)
    expect([await status(first), await status(third)]).toEqual([200, 200])
  })

  it('refuses a weak one before it asks for the old one', async () => {
    const alice = await server.client.register('pw-weak')
    const weak = await alice.request('POST', '/v3/account/password', { new_password: 'short' })
    expect(weak).toMatchObject({ status: 400, body: { errcode: 'M_WEAK_PASSWORD' } })
  })

  it('works once with a session', async () => {
    const alice = await server.client.register('pw-once')
    const asked = await alice.request('POST', '/v3/account/password', { new_password: 'a new password' })
    const { session } = asked.body
    const auth = { ...byPassword('pw-once'), session }
    const first = await alice.request('POST', '/v3/account/password', { auth, new_password: 'a new password' })
    expect(first.status).toBe(200)
    const again = await alice.request('POST', '/v3/account/password', { auth: { session }, new_password: 'stolen one' })
    expect(again.status).toBe(401)
  })

  it('ends what the old one was good for', async () => {
    const [first, second] = await twoDevices('pw-proof')
    const { client } = server
    const stolen = { new_password: 'a stolen password' }
    const { session } = (await client.request('POST', '/v3/account/password', {})).body
    const known = { auth: { ...byPassword('pw-proof'), session } }
    expect((await client.request('POST', '/v3/account/password', known)).body.errcode).toBe('M_MISSING_PARAM')
    const ending = (await second.request('POST', '/v3/account/deactivate', {})).body.session
    await client.post(`/v3/auth/m.login.password/fallback/web?session=${ending}`, {
      user: 'pw-proof',
      password: PASSWORD,
    })
    const kept = { new_password: 'a new password', logout_devices: false }
    expect((await change(first, 'pw-proof', kept)).status).toBe(200)
    const reset = await client.request('POST', '/v3/account/password', { auth: { session }, ...stolen })
    expect(reset.status).toBe(401)
    const ended = await second.request('POST', '/v3/account/deactivate', { auth: { session: ending } })
    expect(ended.status).toBe(401)
    expect((await client.login('pw-proof', 'a new password')).userId).toBe(first.userId)
  })

  it('lets nobody in whose old one was still being checked', async () => {
    const alice = await server.client.register('pw-race')
    const { accounts, login } = server.server.services
    const { userNid } = await accounts.get('pw-race')
    const changed = accounts.setPassword(userNid, 'a new password', { endAllBut: undefined })
    const [, late] = await Promise.allSettled([changed, login.withPassword('pw-race', PASSWORD, {})])
    // Who was quicker than the change has been logged out by it.
    if (late.status === 'rejected') expect(late.reason).toMatchObject({ errcode: 'M_FORBIDDEN' })
    else expect(await status(new Client(server.url, late.value.accessToken))).toBe(401)
    expect((await server.client.login('pw-race', 'a new password')).userId).toBe(alice.userId)
  })

  it('works without a login for whoever knows the old one', async () => {
    await server.client.register('pw-outside')
    const body = { auth: byPassword('pw-outside'), new_password: 'a new password' }
    expect((await server.client.request('POST', '/v3/account/password', body)).status).toBe(200)
    await server.client.login('pw-outside', 'a new password')
  })
})

describe('deactivating an account', () => {
  it('ends it for ever', async () => {
    const [first, second] = await twoDevices('gone')
    const asked = await first.request('POST', '/v3/account/deactivate', {})
    expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } })
    const wrong = await first.request('POST', '/v3/account/deactivate', { auth: byPassword('gone', 'wrong') })
    expect(wrong).toMatchObject({ status: 401, body: { errcode: 'M_FORBIDDEN' } })
    const done = await first.post('/v3/account/deactivate', { auth: byPassword('gone'), erase: true })
    expect(done).toEqual({ id_server_unbind_result: 'success' })
    expect([await status(first), await status(second)]).toEqual([401, 401])
    const login = await server.client.request('POST', '/v3/login', byPassword('gone'))
    expect(login).toMatchObject({ status: 403, body: { errcode: 'M_USER_DEACTIVATED' } })
    const taken = await server.client.request('GET', '/v3/register/available?username=gone')
    expect(taken.body.errcode).toBe('M_USER_IN_USE')
  })
})
