import { describe, expect, it } from 'vitest'
import { User } from '../../support/client.ts'
import { Identity } from '../../support/identity.ts'
import { startServer } from '../../support/server.ts'

const DEVICE = '/unstable/org.matrix.msc3814.v1/dehydrated_device'

async function world() {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  await bob.join(await alice.createRoom({ preset: 'public_chat' }))
  await bob.sync()
  return { client, alice, bob }
}
const deviceOf = (user: User, deviceId: string) => ({
  device_id: deviceId,
  initial_device_display_name: 'Left behind',
  device_data: { algorithm: 'org.matrix.msc3814.v2', device_pickle: 'secret' },
  device_keys: { ...new Identity(new User(user.url, '', user.userId, deviceId)).deviceKeys, dehydrated: true },
  one_time_keys: { 'signed_curve25519:a': { key: `of ${deviceId}`, signatures: {} } },
  fallback_keys: { 'signed_curve25519:f': { key: `of ${deviceId}`, signatures: {}, fallback: true } },
})
const devicesOf = async (by: User, { userId }: User) =>
  Object.keys((await by.post('/v3/keys/query', { device_keys: { [userId]: [] } })).device_keys[userId])

describe('A dehydrated device', () => {
  it('is kept for its user, with keys for others', async () => {
    const { alice, bob } = await world()
    expect(await alice.request('GET', DEVICE)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
    const device = deviceOf(alice, 'DRY')
    expect(await alice.put(DEVICE, device)).toEqual({ device_id: 'DRY' })
    expect(await alice.get(DEVICE)).toEqual({ device_id: 'DRY', device_data: device.device_data })
    expect((await bob.sync()).device_lists.changed).toEqual([alice.userId])
    expect(await devicesOf(bob, alice)).toEqual(['DRY'])
    const wanted = { one_time_keys: { [alice.userId]: { DRY: 'signed_curve25519' } } }
    expect((await bob.post('/v3/keys/claim', wanted)).one_time_keys).toEqual({
      [alice.userId]: { DRY: device.one_time_keys },
    })
    expect(await bob.request('GET', DEVICE)).toMatchObject({ status: 404 })
  })

  it('receives messages, which are read page by page and as often as one likes', async () => {
    const { alice, bob } = await world()
    await alice.put(DEVICE, deviceOf(alice, 'DRY'))
    for (const n of [1, 2, 3]) {
      await bob.put(`/v3/sendToDevice/m.room.encrypted/${n}`, { messages: { [alice.userId]: { DRY: { n } } } })
    }
    const event = (n: number) => ({ type: 'm.room.encrypted', sender: bob.userId, content: { n } })
    for (let i = 0; i < 2; i++) {
      const first = await alice.get(`${DEVICE}/DRY/events?limit=2`)
      expect(first.events).toEqual([event(1), event(2)])
      const second = await alice.get(`${DEVICE}/DRY/events?limit=2&from=${first.next_batch}`)
      expect(second.events).toEqual([event(3)])
      expect(await alice.get(`${DEVICE}/DRY/events?from=${second.next_batch}`)).toEqual({ events: [] })
    }
    const posted = await alice.post(`${DEVICE}/DRY/events`, {})
    expect(posted.events).toHaveLength(3)
    expect(await alice.post(`${DEVICE}/DRY/events`, { next_batch: posted.next_batch })).toEqual({ events: [] })
    expect(await alice.request('GET', `${DEVICE}/DRY/events?from=x`)).toMatchObject({ status: 400 })
    expect(await bob.request('GET', `${DEVICE}/DRY/events`)).toMatchObject({ status: 403 })
    expect(await alice.request('GET', `${DEVICE}/${alice.deviceId}/events`)).toMatchObject({ status: 403 })
  })

  it('ends when another takes its place, and when it is deleted', async () => {
    const { alice, bob } = await world()
    await alice.put(DEVICE, deviceOf(alice, 'DRY'))
    await bob.put('/v3/sendToDevice/m.dummy/1', { messages: { [alice.userId]: { DRY: {} } } })
    await alice.put(DEVICE, deviceOf(alice, 'DRIER'))
    expect(await devicesOf(bob, alice)).toEqual(['DRIER'])
    await alice.put(DEVICE, deviceOf(alice, 'DRIER'))
    expect(await alice.get(`${DEVICE}/DRIER/events`)).toEqual({ events: [] })
    await bob.sync()
    expect(await alice.delete(DEVICE)).toEqual({ device_id: 'DRIER' })
    expect((await bob.sync()).device_lists.changed).toEqual([alice.userId])
    expect(await devicesOf(bob, alice)).toEqual([])
    expect(await alice.request('DELETE', DEVICE)).toMatchObject({ status: 404 })
  })

  it('is refused under the name of a device that is logged in, without keys, and with those of another', async () => {
    const { alice } = await world()
    const put = async (body: object) => (await alice.request('PUT', DEVICE, body)).body.errcode
    expect(await put(deviceOf(alice, alice.deviceId))).toBe('M_FORBIDDEN')
    expect(await put({ ...deviceOf(alice, 'DRY'), device_keys: undefined })).toBe('M_MISSING_PARAM')
    expect(await put({ ...deviceOf(alice, 'DRY'), device_id: 'OTHER' })).toBe('M_INVALID_PARAM')
    expect(await alice.request('GET', DEVICE)).toMatchObject({ status: 404 })
    expect((await alice.get('/v3/devices')).devices).toHaveLength(1)
  })
})
