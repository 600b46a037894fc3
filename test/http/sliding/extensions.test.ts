// biome-ignore-all lint/suspicious/noExplicitAny: tests look into answers of many shapes, and a wrong one fails them
import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { SlidingClient } from '../../support/sliding.ts'

const ON = { enabled: true }
const QUIET = { timeline_limit: 1, required_state: [] }
const ALL = { lists: { all: { ...QUIET, ranges: [[0, 9]] } } }

async function twoInARoom() {
  const { client, clock } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  return { client, clock, alice, bob, roomId }
}

const type = (user: User, roomId: string, typing = true) =>
  user.put(`${roomPath(roomId)}/typing/${encodeURIComponent(user.userId)}`, { typing })
const read = (user: User, roomId: string, eventId: string, receipt = 'm.read') =>
  user.post(`${roomPath(roomId)}/receipt/${receipt}/${encodeURIComponent(eventId)}`, {})
const accountPath = (user: User) => `/v3/user/${encodeURIComponent(user.userId)}`

describe('To-device messages in sliding sync', () => {
  const send = (from: User, to: User, n: number) =>
    from.put(`/v3/sendToDevice/m.test/t${n}`, { messages: { [to.userId]: { '*': { n } } } })

  it('wake who waits, and are there until the client says that it has them', async () => {
    const { alice, bob } = await twoInARoom()
    const sliding = new SlidingClient(bob, { conn_id: 'encryption', extensions: { to_device: ON } })
    const first = await sliding.sync()
    expect(first.extensions.to_device.events).toEqual([])
    const since = (answer: any) => ({
      extensions: { to_device: { ...ON, since: answer.extensions.to_device.next_batch } },
    })
    const waiting = sliding.sync(since(first), 30_000)
    await send(alice, bob, 1)
    const second = await waiting
    expect(second.extensions.to_device.events).toMatchObject([
      { type: 'm.test', sender: alice.userId, content: { n: 1 } },
    ])
    // The client has processed the answer, but not stored what was in it.
    expect((await sliding.sync(since(first))).extensions.to_device.events).toHaveLength(1)
    expect((await sliding.sync(since(second))).extensions.to_device.events).toEqual([])
    expect((await sliding.sync(since(first))).extensions.to_device.events).toEqual([])
  })

  it('come in pieces of the size that is asked for', async () => {
    const { alice, bob } = await twoInARoom()
    for (const n of [1, 2, 3]) await send(alice, bob, n)
    const sliding = new SlidingClient(bob)
    let since: string | undefined
    const got: number[][] = []
    for (let i = 0; i < 3; i++) {
      const { extensions } = await sliding.sync({ extensions: { to_device: { ...ON, limit: 2, since } } })
      since = extensions.to_device.next_batch
      got.push(extensions.to_device.events.map((event: any) => event.content.n))
    }
    expect(got).toEqual([[1, 2], [3], []])
  })

  it('have tokens of their own, of which a strange one is refused', async () => {
    const { bob } = await twoInARoom()
    const sliding = new SlidingClient(bob, { extensions: { to_device: { ...ON, since: 'x' } } })
    expect(await sliding.ask()).toMatchObject({ status: 400 })
  })
})

describe('The encryption extension', () => {
  it('counts keys, and tells whose devices changed', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const sliding = new SlidingClient(bob, { extensions: { e2ee: ON } })
    const { e2ee } = (await sliding.sync()).extensions
    expect(e2ee).toMatchObject({ device_one_time_keys_count: { signed_curve25519: 0 } })
    expect(e2ee).toMatchObject({ device_unused_fallback_key_types: [] })
    expect(e2ee.device_lists).toBeUndefined()
    await alice.leave(roomId)
    const after = await sliding.sync({}, 30_000)
    expect(after.extensions.e2ee.device_lists).toEqual({ changed: [], left: [alice.userId] })
  })
})

describe('Account data in sliding sync', () => {
  it('is given whole at first, and then as it changes, of rooms in sight', async () => {
    const { bob, roomId } = await twoInARoom()
    const hidden = await bob.createRoom()
    const set = (path: string, n: number) => bob.put(`${accountPath(bob)}${path}/account_data/test`, { n })
    const room = (id: string) => `/rooms/${encodeURIComponent(id)}`
    await set('', 1)
    await set(room(roomId), 2)
    await set(room(hidden), 3)
    const room_subscriptions = { [roomId]: QUIET }
    const sliding = new SlidingClient(bob, { room_subscriptions, extensions: { account_data: ON } })
    const ask = async (changes: object = {}) => {
      const { account_data } = (await sliding.sync(changes)).extensions
      const test = (events: any[] = []) =>
        events.filter((event) => event.type === 'test').map((event) => event.content.n)
      const rooms = Object.entries<any>(account_data?.rooms ?? {}).map(([id, events]) => [id, test(events)])
      return [test(account_data?.global), Object.fromEntries(rooms)]
    }
    expect(await ask()).toEqual([[1], { [roomId]: [2] }])
    expect(await ask()).toEqual([[], {}])
    await set('', 4)
    await set(room(roomId), 5)
    await set(room(hidden), 6)
    expect(await ask()).toEqual([[4], { [roomId]: [5] }])
    expect(await ask({ room_subscriptions: { [hidden]: QUIET } })).toEqual([[], { [hidden]: [6] }])
    // What changes out of sight is told when the room comes back.
    await set(room(roomId), 7)
    expect(await ask()).toEqual([[], {}])
    expect(await ask({ room_subscriptions: { [hidden]: QUIET, [roomId]: QUIET } })).toEqual([[], { [roomId]: [7] }])
    // So is what changes while nobody asks for it.
    await set(room(roomId), 8)
    await sliding.sync({ extensions: {} })
    expect(await ask({ extensions: { account_data: ON } })).toEqual([[], { [roomId]: [8] }])
  })

  it('has the push rules', async () => {
    const { bob } = await twoInARoom()
    const sliding = new SlidingClient(bob, { extensions: { account_data: ON } })
    const types = async () =>
      ((await sliding.sync()).extensions.account_data?.global ?? []).map((event: any) => event.type)
    expect(await types()).toContain('m.push_rules')
    expect(await types()).toEqual([])
    await bob.put('/v3/pushrules/global/override/.m.rule.master/enabled', { enabled: true })
    expect(await types()).toEqual(['m.push_rules'])
  })
})

describe('Receipts in sliding sync', () => {
  const readers = (answer: any, roomId: string, eventId: string) =>
    Object.keys(answer.extensions.receipts?.rooms[roomId]?.content[eventId]?.['m.read'] ?? {})

  it('come with the events that are shown, and then as they change', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const old = await alice.send(roomId, 'old')
    await read(alice, roomId, old)
    const shown = await alice.send(roomId, 'shown')
    const sliding = new SlidingClient(bob, { ...ALL, extensions: { receipts: ON } })
    expect((await sliding.sync()).extensions.receipts).toBeUndefined()
    await read(alice, roomId, shown)
    const answer = await sliding.sync({}, 30_000)
    expect(readers(answer, roomId, shown)).toEqual([alice.userId])
    expect(answer.rooms).toEqual({})
    expect(readers(await new SlidingClient(bob, sliding.body).sync(), roomId, shown)).toEqual([alice.userId])
  })

  it('come as they change, too, where a room is opened and shows more events', async () => {
    const { client, alice, bob, roomId } = await twoInARoom()
    const carol = await client.register('carol')
    await carol.join(roomId)
    const old = await alice.send(roomId, 'old')
    for (const text of ['1', '2', '3']) await alice.send(roomId, text)
    const sliding = new SlidingClient(bob, { ...ALL, extensions: { receipts: ON } })
    await sliding.sync()
    await read(carol, roomId, old)
    const opened = { room_subscriptions: { [roomId]: { timeline_limit: 2, required_state: [] } } }
    expect(readers(await sliding.sync(opened), roomId, old)).toEqual([carol.userId])
  })

  it('of the user are always there, those that are private only then', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const old = await alice.send(roomId, 'old')
    await read(bob, roomId, old, 'm.read.private')
    await alice.send(roomId, 'new')
    const body = { ...ALL, extensions: { receipts: ON } }
    const own = (await new SlidingClient(bob, body).sync()).extensions.receipts.rooms[roomId]
    expect(Object.keys(own.content[old]['m.read.private'])).toEqual([bob.userId])
    expect((await new SlidingClient(alice, body).sync()).extensions.receipts).toBeUndefined()
  })

  it('of a room out of sight are told when it comes back', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const eventId = await alice.send(roomId, 'x')
    const subscribed = { room_subscriptions: { [roomId]: QUIET } }
    const sliding = new SlidingClient(bob, { ...subscribed, extensions: { receipts: ON } })
    await sliding.sync()
    await sliding.sync({ room_subscriptions: {} })
    await read(alice, roomId, eventId)
    await sliding.sync()
    await sliding.sync()
    expect(readers(await sliding.sync(subscribed), roomId, eventId)).toEqual([alice.userId])
  })

  it('are of the lists and subscriptions that are named', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const eventId = await alice.send(roomId, 'x')
    await read(alice, roomId, eventId)
    const ask = async (scope: object, more: object = {}) => {
      const sliding = new SlidingClient(bob, { ...ALL, ...more, extensions: { receipts: { ...ON, ...scope } } })
      return readers(await sliding.sync(), roomId, eventId).length
    }
    const subscribed = { room_subscriptions: { [roomId]: QUIET } }
    expect(await ask({ lists: ['all'] })).toBe(1)
    expect(await ask({ lists: ['other'] })).toBe(0)
    expect(await ask({ lists: [] })).toBe(0)
    expect(await ask({ lists: [] }, subscribed)).toBe(1)
    expect(await ask({ lists: [], rooms: [roomId] }, subscribed)).toBe(1)
    expect(await ask({ lists: [], rooms: ['!other:example.org'] }, subscribed)).toBe(0)
  })
})

describe('Typing in sliding sync', () => {
  const typing = (answer: any, roomId: string) => answer.extensions.typing?.rooms[roomId]?.content.user_ids

  it('is shown once, and ends', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const sliding = new SlidingClient(bob, { ...ALL, extensions: { typing: ON } })
    await sliding.sync()
    const waiting = sliding.sync({}, 30_000)
    await type(alice, roomId)
    expect(typing(await waiting, roomId)).toEqual([alice.userId])
    expect(typing(await sliding.sync(), roomId)).toBeUndefined()
    const other = new SlidingClient(bob, { ...sliding.body, conn_id: 'other' })
    expect(typing(await other.sync(), roomId)).toEqual([alice.userId])
    await type(alice, roomId, false)
    expect(typing(await sliding.sync(), roomId)).toEqual([])
  })

  it('is not shown of rooms that one has left, and neither are receipts', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const eventId = await alice.send(roomId, 'x')
    const room_subscriptions = { [roomId]: QUIET }
    const sliding = new SlidingClient(bob, { ...ALL, room_subscriptions, extensions: { typing: ON, receipts: ON } })
    await sliding.sync()
    await bob.leave(roomId)
    await sliding.sync()
    await type(alice, roomId)
    await read(alice, roomId, eventId)
    expect((await sliding.sync()).extensions).toEqual({})
    expect((await new SlidingClient(bob, sliding.body).sync()).extensions).toEqual({})
  })
})
