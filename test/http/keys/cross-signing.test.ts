import { describe, expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import { Identity, SecretKey } from '../../support/identity.ts'
import { startServer } from '../../support/server.ts'

const PASSWORD = 'correct horse battery staple'
const UPLOAD = '/v3/keys/device_signing/upload'

const people = async () => {
  const { client } = await startServer()
  return [await client.register('alice'), await client.register('bob')] as const
}
const upload = (user: User, keys: object) => user.request('POST', UPLOAD, keys)
const withPassword = async (user: User, keys: object) => {
  const { body } = await upload(user, keys)
  const identifier = { type: 'm.id.user', user: user.userId }
  return upload(user, {
    ...keys,
    auth: { type: 'm.login.password', identifier, password: PASSWORD, session: body.session },
  })
}
const query = (by: User, of: User) => by.post('/v3/keys/query', { device_keys: { [of.userId]: [] } })
const signaturesBy = (key: { signatures?: Record<string, object> } | undefined, { userId }: User) =>
  Object.keys(key?.signatures?.[userId] ?? {})

describe('Cross-signing keys', () => {
  it('are published at once the first time, and shown to others but for the user-signing key', async () => {
    const [alice, bob] = await people()
    const identity = new Identity(alice)
    expect(await upload(alice, identity.keys)).toMatchObject({ status: 200, body: {} })
    expect(await query(bob, alice)).toMatchObject({
      master_keys: { [alice.userId]: identity.keys.master_key },
      self_signing_keys: { [alice.userId]: identity.keys.self_signing_key },
      user_signing_keys: {},
    })
    expect((await query(alice, alice)).user_signing_keys).toEqual({ [alice.userId]: identity.keys.user_signing_key })
  })

  it('may be uploaded again, but replaced and added only with the password', async () => {
    const [alice] = await people()
    const identity = new Identity(alice)
    const { master_key, self_signing_key } = identity.keys
    await upload(alice, { master_key })
    expect(await upload(alice, { master_key })).toMatchObject({ status: 200 })
    expect(await upload(alice, new Identity(alice).keys)).toMatchObject({
      status: 401,
      body: { flows: [{ stages: ['m.login.password'] }] },
    })
    expect(await upload(alice, { self_signing_key })).toMatchObject({ status: 401 })
    expect(await withPassword(alice, { self_signing_key })).toMatchObject({ status: 200 })
    expect(await upload(alice, { self_signing_key })).toMatchObject({ status: 200 })
    expect((await query(alice, alice)).self_signing_keys).toEqual({ [alice.userId]: self_signing_key })
  })

  it('need a password that was given for these very keys', async () => {
    const [alice] = await people()
    await upload(alice, new Identity(alice).keys)
    const { body } = await upload(alice, new Identity(alice).keys)
    const auth = { type: 'm.login.password', password: 'wrong', session: body.session }
    expect(await upload(alice, { ...new Identity(alice).keys, auth })).toMatchObject({ status: 401 })
  })

  it('take those with them that a replaced master key vouched for', async () => {
    const [alice] = await people()
    await upload(alice, new Identity(alice).keys)
    const { master_key } = new Identity(alice).keys
    expect(await withPassword(alice, { master_key })).toMatchObject({ status: 200 })
    expect(await query(alice, alice)).toMatchObject({
      master_keys: { [alice.userId]: master_key },
      self_signing_keys: {},
      user_signing_keys: {},
    })
  })

  it('are refused when two first ones come at once', async () => {
    const [alice] = await people()
    const answers = await Promise.all([new Identity(alice), new Identity(alice)].map(({ keys }) => upload(alice, keys)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, expect.toSatisfy((status) => status >= 400)])
  })

  it('are refused in the wrong form, with a wrong signature and without a master key', async () => {
    const [alice, bob] = await people()
    const { keys } = new Identity(alice)
    const other = new SecretKey()
    const wrong = { ...keys.master_key, keys: { 'ed25519:abc': other.publicKey } }
    const refused = async (body: object) => (await upload(alice, body)).body.errcode
    expect(await refused({})).toBe('M_MISSING_PARAM')
    expect(await refused({ self_signing_key: keys.self_signing_key })).toBe('M_MISSING_PARAM')
    expect(await refused({ master_key: wrong })).toBe('M_INVALID_PARAM')
    expect(await refused({ master_key: { ...keys.master_key, usage: ['self_signing'] } })).toBe('M_INVALID_PARAM')
    expect(await refused({ master_key: new Identity(bob).masterKey })).toBe('M_INVALID_PARAM')
    const unsigned = other.sign(keys.self_signing_key, alice.userId, Object.keys(keys.master_key.keys)[0]?.slice(8))
    expect(await refused({ ...keys, self_signing_key: unsigned })).toBe('M_INVALID_SIGNATURE')
    expect((await query(alice, alice)).master_keys).toEqual({})
  })

  it('are never called like a device', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const identity = new Identity(alice)
    const login = (deviceId: string) =>
      client.request('POST', '/v3/login', {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: 'alice' },
        password: PASSWORD,
        device_id: deviceId,
      })
    expect(await login(identity.selfSigning.publicKey)).toMatchObject({ status: 200 })
    expect(await upload(alice, identity.keys)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    const { master_key } = identity.keys
    expect(await upload(alice, { master_key })).toMatchObject({ status: 200 })
    expect(await login(identity.master.publicKey)).toMatchObject({ status: 400 })
  })

  it('are announced to those who share a room', async () => {
    const [alice, bob] = await people()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await bob.sync()
    await upload(alice, new Identity(alice).keys)
    expect((await bob.sync()).device_lists.changed).toEqual([alice.userId])
    expect((await bob.sync()).device_lists).toBeUndefined()
  })
})

describe('Signatures on keys', () => {
  const sign = (user: User, signed: object) => user.post('/v3/keys/signatures/upload', signed)
  const identities = async () => {
    const [alice, bob] = await people()
    return [await new Identity(alice).publish(), await new Identity(bob).publish()] as const
  }

  it('on a device are shown to everybody, with the one of the device itself', async () => {
    const [alices, { user: bob }] = await identities()
    const { user: alice } = alices
    const signed = alices.selfSigning.sign(alices.deviceKeys, alice.userId)
    expect(await sign(alice, { [alice.userId]: { [alice.deviceId]: signed } })).toEqual({ failures: {} })
    const { device_keys } = await query(bob, alice)
    expect(signaturesBy(device_keys[alice.userId][alice.deviceId], alice).toSorted()).toEqual(
      [`ed25519:${alice.deviceId}`, `ed25519:${alices.selfSigning.publicKey}`].toSorted(),
    )
  })

  it('on a master key by the own device are shown to everybody, those of others only to themselves', async () => {
    const [alices, bobs] = await identities()
    const { user: alice } = alices
    const { user: bob } = bobs
    const byDevice = alices.device.sign(alices.masterKey, alice.userId, alice.deviceId)
    await sign(alice, { [alice.userId]: { [alices.master.publicKey]: byDevice } })
    const byBob = bobs.userSigning.sign(alices.masterKey, bob.userId)
    expect(await sign(bob, { [alice.userId]: { [alices.master.publicKey]: byBob } })).toEqual({ failures: {} })

    const seenBy = async (user: User) => (await query(user, alice)).master_keys[alice.userId]
    expect(signaturesBy(await seenBy(bob), alice)).toEqual([`ed25519:${alice.deviceId}`])
    expect(signaturesBy(await seenBy(bob), bob)).toEqual([`ed25519:${bobs.userSigning.publicKey}`])
    expect(signaturesBy(await seenBy(alice), bob)).toEqual([])
  })

  it('on the key of another are told to the own devices only', async () => {
    const [alices, bobs] = await identities()
    const { user: alice } = alices
    const { user: bob } = bobs
    await bob.join(await alice.createRoom({ preset: 'public_chat' }))
    await alice.sync()
    await bob.sync()
    const signed = bobs.userSigning.sign(alices.masterKey, bob.userId)
    await sign(bob, { [alice.userId]: { [alices.master.publicKey]: signed } })
    expect((await bob.sync()).device_lists).toEqual({ changed: [alice.userId], left: [] })
    expect((await alice.sync()).device_lists).toBeUndefined()

    await sign(bob, { [alice.userId]: { [alices.master.publicKey]: signed } }) // nothing new
    expect((await bob.sync()).device_lists).toBeUndefined()
  })

  it('that are wrong are refused, each for itself', async () => {
    const [alices, bobs] = await identities()
    const { user: alice } = alices
    const { user: bob } = bobs
    const forged = new SecretKey().sign(bobs.masterKey, alice.userId, alices.userSigning.publicKey)
    const other = alices.selfSigning.sign({ ...alices.deviceKeys, algorithms: [] }, alice.userId)
    const byDevice = alices.device.sign(alices.masterKey, alice.userId, alice.deviceId)
    const { failures } = await sign(alice, {
      [alice.userId]: { [alice.deviceId]: other, [alices.master.publicKey]: byDevice, NOWHERE: byDevice },
      [bob.userId]: { [bobs.master.publicKey]: forged, [bob.deviceId]: forged },
    })
    expect(failures).toMatchObject({
      [alice.userId]: { [alice.deviceId]: { errcode: 'M_INVALID_PARAM' }, NOWHERE: { errcode: 'M_NOT_FOUND' } },
      [bob.userId]: {
        [bobs.master.publicKey]: { errcode: 'M_INVALID_SIGNATURE' },
        [bob.deviceId]: { errcode: 'M_NOT_FOUND' },
      },
    })
    const { master_keys } = await query(alice, alice)
    expect(signaturesBy(master_keys[alice.userId], alice)).toEqual([`ed25519:${alice.deviceId}`])
  })

  it('go with the device whose identity they were for', async () => {
    const [alices] = await identities()
    const { user: alice } = alices
    const signed = alices.selfSigning.sign(alices.deviceKeys, alice.userId)
    await sign(alice, { [alice.userId]: { [alice.deviceId]: signed } })
    await alice.post('/v3/keys/upload', { device_keys: new Identity(alice).deviceKeys })
    const { device_keys } = await query(alice, alice)
    expect(signaturesBy(device_keys[alice.userId][alice.deviceId], alice)).toEqual([`ed25519:${alice.deviceId}`])
  })
})
