import { describe, expect, it } from 'vitest'
import { MatrixError } from '../../../src/matrix/errors.ts'
import type { UserId } from '../../../src/matrix/ids.ts'
import type { User } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'

const ALGORITHM = 'signed_curve25519'
const identity = ({ userId, deviceId }: User) => ({
  user_id: userId,
  device_id: deviceId,
  algorithms: ['m.olm.v1.curve25519-aes-sha2'],
  keys: { [`ed25519:${deviceId}`]: 'key' },
  signatures: { [userId]: { [`ed25519:${deviceId}`]: 'signature' } },
})
const key = (text: string) => ({ key: text, signatures: {} })
const upload = (user: User, body: object) => user.request('POST', '/v3/keys/upload', body)
const claim = async (by: User, { userId, deviceId }: User) => {
  const answer = await by.post('/v3/keys/claim', { one_time_keys: { [userId]: { [deviceId]: ALGORITHM } } })
  return Object.keys(answer.one_time_keys[userId]?.[deviceId] ?? {})[0]
}
const two = async () => {
  const { client } = await startServer()
  return [await client.register('alice'), await client.register('bob')] as const
}

describe('Keys of devices', () => {
  it('are published, and refused when they are of another device', async () => {
    const [alice, bob] = await two()
    await upload(alice, { device_keys: identity(alice) })
    const { device_keys } = await bob.post('/v3/keys/query', { device_keys: { [alice.userId]: [] } })
    expect(device_keys[alice.userId][alice.deviceId]).toMatchObject(identity(alice))
    expect(await upload(alice, { device_keys: identity(bob) })).toMatchObject({ status: 400 })
    await alice.post('/v3/logout')
    const after = await bob.post('/v3/keys/query', { device_keys: { [alice.userId]: [] } })
    expect(after.device_keys).toEqual({ [alice.userId]: {} })
  })

  it('are given out once, in the order of upload, and then the fallback key', async () => {
    const [alice, bob] = await two()
    await upload(alice, { one_time_keys: { [`${ALGORITHM}:b`]: key('b') } })
    await upload(alice, {
      one_time_keys: { [`${ALGORITHM}:a`]: key('a') },
      fallback_keys: { [`${ALGORITHM}:f`]: key('f') },
    })
    expect(await alice.sync()).toMatchObject({
      device_one_time_keys_count: { [ALGORITHM]: 2 },
      device_unused_fallback_key_types: [ALGORITHM],
    })
    const claimed = []
    for (let i = 0; i < 4; i++) claimed.push(await claim(bob, alice))
    expect(claimed).toEqual(['b', 'a', 'f', 'f'].map((id) => `${ALGORITHM}:${id}`))
    expect(await alice.sync()).toMatchObject({
      device_one_time_keys_count: { [ALGORITHM]: 0 },
      device_unused_fallback_key_types: [],
    })
  })

  it('are given out once also to many who ask at a time', async () => {
    const [alice, bob] = await two()
    const names = Array.from({ length: 10 }, (_, i) => `${ALGORITHM}:${i}`)
    await upload(alice, { one_time_keys: Object.fromEntries(names.map((name) => [name, key(name)])) })
    const claimed = await Promise.all(names.map(() => claim(bob, alice)))
    expect(claimed.toSorted()).toEqual(names)
  })

  it('may be uploaded again, but not changed under the same id', async () => {
    const [alice] = await two()
    const body = { one_time_keys: { [`${ALGORITHM}:a`]: key('a') } }
    for (let i = 0; i < 2; i++) {
      expect((await upload(alice, body)).body).toEqual({ one_time_key_counts: { [ALGORITHM]: 1 } })
    }
    const other = { one_time_keys: { [`${ALGORITHM}:a`]: key('other') } }
    expect(await upload(alice, other)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
  })

  it('are so many of each device, whatever the algorithms are called', async () => {
    const [alice] = await two()
    const keys = (round: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${round}.${i}:x`, key('x')]))
    expect(await upload(alice, { one_time_keys: keys(1, 600) })).toMatchObject({ status: 200 })
    const refused = { status: 400, body: { errcode: 'M_INVALID_PARAM' } }
    expect(await upload(alice, { one_time_keys: keys(2, 600) })).toMatchObject(refused)
    expect(await upload(alice, { fallback_keys: keys(1, 10) })).toMatchObject({ status: 200 })
    expect(await upload(alice, { fallback_keys: keys(1, 10) })).toMatchObject({ status: 200 })
    expect(await upload(alice, { fallback_keys: keys(2, 1) })).toMatchObject(refused)
    expect(Object.keys((await alice.sync()).device_one_time_keys_count)).toHaveLength(601)
  })
})

it('Keys and messages are for devices of so many servers at once, and no more', async () => {
  const [alice] = await two()
  const of = <T>(servers: number, value: T) =>
    Object.fromEntries(Array.from({ length: servers }, (_, i) => [`@a:s${i}.example`, value]))
  const asked = (servers: number) => [
    alice.request('POST', '/v3/keys/query', { device_keys: of(servers, []), timeout: 0 }),
    alice.request('POST', '/v3/keys/claim', { one_time_keys: of(servers, { A: ALGORITHM }), timeout: 0 }),
    alice.request('PUT', `/v3/sendToDevice/m.test/t${servers}`, { messages: of(servers, { '*': {} }) }),
  ]
  for (const { status } of await Promise.all(asked(500))) expect(status).toBe(200)
  for (const answer of await Promise.all(asked(501))) {
    expect(answer).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } })
  }
})

describe('Device lists', () => {
  it('name who changed, came and went, to those who share a room', async () => {
    const [alice, bob] = await two()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await alice.sync()
    await bob.sync()
    await upload(bob, { device_keys: identity(bob) })
    expect((await alice.sync()).device_lists).toBeUndefined()
    await bob.join(roomId)
    const met = await alice.sync()
    expect(met.device_lists).toEqual({ changed: [bob.userId], left: [] })
    await upload(bob, { device_keys: { ...identity(bob), algorithms: [] } })
    const changed = await alice.sync()
    expect(changed.device_lists).toEqual({ changed: [bob.userId], left: [] })
    const query = new URLSearchParams({ from: met.next_batch, to: changed.next_batch })
    expect((await alice.get(`/v3/keys/changes?${query}`)).changed).toEqual([bob.userId])
    await bob.leave(roomId)
    const left = await alice.sync()
    expect(left.device_lists).toEqual({ changed: [], left: [bob.userId] })
  })
})

describe('Messages to devices', () => {
  it('arrive at the devices meant, once for each transaction id, until the next token', async () => {
    const [alice, bob] = await two()
    const tablet = await bob.login('bob')
    const body = { messages: { [bob.userId]: { '*': { n: 1 } } } }
    for (let i = 0; i < 2; i++) await alice.put('/v3/sendToDevice/m.test/t1', body)
    await alice.put('/v3/sendToDevice/m.test/t2', { messages: { [bob.userId]: { [bob.deviceId]: { n: 2 } } } })
    const message = (n: number) => ({ type: 'm.test', sender: alice.userId, content: { n } })
    const first = await bob.get('/v3/sync')
    expect(first.to_device.events).toEqual([message(1), message(2)])
    expect((await bob.get('/v3/sync')).to_device.events).toHaveLength(2)
    expect((await bob.get(`/v3/sync?since=${first.next_batch}`)).to_device).toBeUndefined()
    expect((await bob.get('/v3/sync')).to_device).toBeUndefined()
    expect((await tablet.get('/v3/sync')).to_device.events).toEqual([message(1)])
  })

  it('arrive in the order in which a device sent them, though it did not wait for the answers', async () => {
    const { client, server } = await startServer()
    const [alice, bob] = await client.registerAll('alice', 'bob')
    const { sessions, toDevice } = server.services
    const sender = await sessions.authenticate(alice.accessToken ?? '')
    if (sender instanceof MatrixError) throw sender
    const userId = bob.userId as UserId
    const numbers = Array.from({ length: 20 }, (_, n) => n)
    // Not over HTTP: its many connections keep no order among them.
    const send = (n: number) => toDevice.send(sender, 'm.test', `t${n}`, new Map([[userId, new Map([['*', { n }]])]]))
    await Promise.all(numbers.map(send))
    const { events } = (await bob.sync()).to_device
    expect(events.map((event: { content: { n: number } }) => event.content.n)).toEqual(numbers)
  })

  it('come in pieces when many wait, in order, none twice and none lost, without waiting for the timeout', async () => {
    const [alice, bob] = await two()
    let since = (await bob.sync()).next_batch
    const send = (n: number) =>
      alice.put(`/v3/sendToDevice/m.test/t${n}`, { messages: { [bob.userId]: { [bob.deviceId]: { n } } } })
    for (let n = 0; n < 250; n++) await send(n)
    const pieces: number[][] = []
    const look = async (timeoutMs: number) => {
      const answer = await bob.get(`/v3/sync?since=${since}&timeout=${timeoutMs}`)
      const got = (answer.to_device?.events ?? []).map((event: { content: { n: number } }) => event.content.n)
      return { got, next: answer.next_batch }
    }
    for (let i = 0; i < 3; i++) {
      const lost = await look(60_000)
      const { got, next } = await look(60_000)
      expect(got).toEqual(lost.got) // an answer that was lost comes again
      pieces.push(got)
      since = next
      if (i === 0) await send(250)
    }
    expect(pieces.map((piece) => piece.length)).toEqual([100, 100, 51])
    expect(pieces.flat()).toEqual(Array.from({ length: 251 }, (_, n) => n))
    expect((await look(0)).got).toEqual([])
  })
})
