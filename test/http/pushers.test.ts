import { describe, expect, it } from 'vitest'
import type { Client } from '../support/client.ts'
import { pusherTo } from '../support/push-gateway.ts'
import { startServer } from '../support/server.ts'

const URL = 'https://push.example.net/_matrix/push/v1/notify'
const PASSWORD = 'correct horse battery staple'

const pusher = (fields: object = {}) => pusherTo(URL, fields)
const set = (client: Client, fields: object = {}) => client.request('POST', '/v3/pushers/set', pusher(fields))
const listed = async (client: Client) => (await client.get('/v3/pushers')).pushers
const keysOf = async (client: Client) => (await listed(client)).map((one: { pushkey: string }) => one.pushkey)

describe('Pushers', () => {
  it('are listed as they were set, and replaced by their app and key', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    expect(await listed(alice)).toEqual([])
    await set(alice, { profile_tag: 'tag' })
    await set(alice, { lang: 'en', data: { url: URL, format: 'event_id_only', own: { a: 1 } } })
    await set(alice, { pushkey: 'tablet' })
    const [first, ...others] = await listed(alice)
    expect(first).toEqual({
      ...pusher({ lang: 'en', data: { url: URL, format: 'event_id_only', own: { a: 1 } } }),
      'org.matrix.msc3881.enabled': true,
      'org.matrix.msc3881.device_id': alice.deviceId,
    })
    expect(others).toHaveLength(1)
  })

  it('are deleted by a kind of null, which needs nothing else', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    await set(alice)
    const gone = { kind: null, app_id: 'kr.go.talk.ios', pushkey: 'phone' }
    for (let i = 0; i < 2; i++) expect(await alice.post('/v3/pushers/set', gone)).toEqual({})
    expect(await listed(alice)).toEqual([])
  })

  it('move with the device to whoever sets them, unless they are appended', async () => {
    const { client } = await startServer()
    const [alice, bob] = await client.registerAll('alice', 'bob')
    await set(alice)
    await set(bob, { append: true })
    expect([await keysOf(alice), await keysOf(bob)]).toEqual([['phone'], ['phone']])
    await set(bob)
    expect([await keysOf(alice), await keysOf(bob)]).toEqual([[], ['phone']])
  })

  it.each([
    ['what is missing', { lang: undefined, data: undefined }, 'M_MISSING_PARAM'],
    ['a missing app', { app_id: undefined }, 'M_MISSING_PARAM'],
    ['a missing kind', { kind: undefined }, 'M_MISSING_PARAM'],
    ['a missing address', { data: {} }, 'M_MISSING_PARAM'],
    ['other kinds', { kind: 'email' }, 'M_INVALID_PARAM'],
    ['a long app', { app_id: 'a'.repeat(65) }, 'M_INVALID_PARAM'],
    ['a long key', { pushkey: '한'.repeat(171) }, 'M_INVALID_PARAM'],
    ['a gateway without TLS', { data: { url: 'http://push.example.net/_matrix/push/v1/notify' } }, 'M_INVALID_PARAM'],
    ['a gateway with another path', { data: { url: 'https://push.example.net/elsewhere' } }, 'M_INVALID_PARAM'],
    ['a gateway that is no URL', { data: { url: 'nowhere' } }, 'M_INVALID_PARAM'],
    ['much data', { data: { url: URL, more: 'x'.repeat(20_000) } }, 'M_INVALID_PARAM'],
    ['data that is no object', { data: 5 }, 'M_BAD_JSON'],
  ])('refuse %s', async (_what, fields, errcode) => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    expect(await set(alice, fields)).toMatchObject({ status: 400, body: { errcode } })
    expect(await listed(alice)).toEqual([])
  })

  it('are limited in number', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    for (let i = 0; i < 50; i++) await set(alice, { pushkey: `${i}` })
    expect(await set(alice, { pushkey: 'one more' })).toMatchObject({ status: 400 })
    expect((await set(alice, { pushkey: '7' })).status).toBe(200)
  })

  it('are switched on and off, also by another device, and stay with the one that set them', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const laptop = await client.login('alice')
    await set(alice)
    await set(laptop, { 'org.matrix.msc3881.enabled': false })
    expect(await listed(alice)).toMatchObject([
      { 'org.matrix.msc3881.enabled': false, 'org.matrix.msc3881.device_id': alice.deviceId },
    ])
    expect((await alice.get('/versions')).unstable_features['org.matrix.msc3881']).toBe(true)
  })

  it('go with the device that set them: at logout, and when the password changes elsewhere', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const [phone, tablet] = [await client.login('alice'), await client.login('alice')]
    await set(alice, { pushkey: 'here' })
    await set(phone, { pushkey: 'phone' })
    await set(tablet, { pushkey: 'tablet' })
    await phone.post('/v3/logout')
    expect(await keysOf(alice)).toEqual(['here', 'tablet'])
    const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: PASSWORD }
    await alice.post('/v3/account/password', { auth, new_password: 'another horse battery staple' })
    expect(await keysOf(alice)).toEqual(['here'])
  })
})
