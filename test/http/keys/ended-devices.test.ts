import { describe, expect, it } from 'vitest'
import { User } from '../../support/client.ts'
import { Identity } from '../../support/identity.ts'
import { startServer } from '../../support/server.ts'

const PASSWORD = 'correct horse battery staple'
const auth = ({ userId }: User) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: userId },
  password: PASSWORD,
})

/** Alice on two devices, both of which have published keys, and Bob, who shares a room with her and has synced. */
async function world() {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const phone = await client.login('alice')
  const bob = await client.register('bob')
  await bob.join(await alice.createRoom({ preset: 'public_chat' }))
  for (const user of [alice, phone]) await user.post('/v3/keys/upload', { device_keys: new Identity(user).deviceKeys })
  await bob.sync()
  return { client, alice, phone, bob }
}

const changedFor = async (user: User) => (await user.sync()).device_lists?.changed ?? []
const devicesOf = async (by: User, { userId }: User) => {
  const { device_keys } = await by.post('/v3/keys/query', { device_keys: { [userId]: [] } })
  return Object.keys(device_keys[userId])
}

describe('A device that ends', () => {
  it('is gone from the list of its user, which changes for others, at logout and when another deletes it', async () => {
    const { client, alice, phone, bob } = await world()
    await phone.post('/v3/logout')
    expect(await changedFor(bob)).toEqual([alice.userId])
    expect(await devicesOf(bob, alice)).toEqual([alice.deviceId])

    const tablet = await client.login('alice')
    await tablet.post('/v3/keys/upload', { device_keys: new Identity(tablet).deviceKeys })
    await bob.sync()
    await tablet.post('/v3/delete_devices', { devices: [alice.deviceId], auth: auth(alice) })
    expect(await changedFor(bob)).toEqual([alice.userId])
    expect(await devicesOf(bob, alice)).toEqual([tablet.deviceId])
  })

  it('changes no list when it had published nothing', async () => {
    const { client, bob } = await world()
    const tablet = await client.login('alice')
    await tablet.post('/v3/logout')
    expect(await changedFor(bob)).toEqual([])
  })

  it('ends with all others when the password changes, and with the account', async () => {
    const { alice, bob } = await world()
    await alice.post('/v3/account/password', { new_password: 'one more good password', auth: auth(alice) })
    expect(await changedFor(bob)).toEqual([alice.userId])
    expect(await devicesOf(bob, alice)).toEqual([alice.deviceId])
    await alice.post('/v3/account/deactivate', { auth: { ...auth(alice), password: 'one more good password' } })
    expect(await devicesOf(bob, alice)).toEqual([])
  })

  it('takes its messages, keys and settings with it, so that one of the same name finds nothing', async () => {
    const { client, alice, phone, bob } = await world()
    const { deviceId } = phone
    const settings = ['m', 'org.matrix.msc3890'].map(
      (prefix) => `/v3/user/${alice.userId}/account_data/${prefix}.local_notification_settings.${deviceId}`,
    )
    for (const path of settings) await alice.put(path, { is_silenced: true })
    await phone.post('/v3/keys/upload', { one_time_keys: { 'signed_curve25519:a': { key: 'a' } } })
    await bob.put('/v3/sendToDevice/m.dummy/1', { messages: { [alice.userId]: { [deviceId]: { secret: true } } } })
    await phone.post('/v3/logout')

    for (const path of settings) expect(await alice.request('GET', path)).toMatchObject({ status: 404 })
    const login = { type: 'm.login.password', identifier: auth(alice).identifier, password: PASSWORD }
    const { access_token } = await client.post('/v3/login', { ...login, device_id: deviceId })
    const again = new User(client.url, access_token, alice.userId, deviceId)
    const first = await again.sync()
    expect(first.to_device).toBeUndefined()
    expect(first.device_one_time_keys_count).toEqual({ signed_curve25519: 0 })
    expect(await devicesOf(bob, alice)).toEqual([alice.deviceId])
  })

  it('publishes nothing more', async () => {
    const { alice, phone } = await world()
    const keys = { one_time_keys: { 'signed_curve25519:a': { key: 'a' } } }
    const [, upload] = await Promise.all([phone.post('/v3/logout'), phone.request('POST', '/v3/keys/upload', keys)])
    expect([200, 401]).toContain(upload.status)
    const wanted = { one_time_keys: { [alice.userId]: { [phone.deviceId]: 'signed_curve25519' } } }
    expect((await alice.post('/v3/keys/claim', wanted)).one_time_keys).toEqual({})
  })
})

describe('The name of a device', () => {
  it('is shown beside its keys, and changes the list', async () => {
    const { alice, bob } = await world()
    await alice.put(`/v3/devices/${alice.deviceId}`, { display_name: 'Desk' })
    expect(await changedFor(bob)).toEqual([alice.userId])
    const { device_keys } = await bob.post('/v3/keys/query', { device_keys: { [alice.userId]: [alice.deviceId] } })
    expect(device_keys[alice.userId][alice.deviceId].unsigned).toEqual({ device_display_name: 'Desk' })
  })
})
