import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { User } from '../../support/client.ts'
import { FakeClock } from '../../support/clock.ts'
import { startServer } from '../../support/server.ts'
import { ALL_ROOMS, SlidingClient, STABLE, textsOf } from '../../support/sliding.ts'

const DAY_MS = 86_400_000
const UNKNOWN_POS = { status: 400, body: { errcode: 'M_UNKNOWN_POS' } }

async function aliceAndBob() {
  const { client, clock } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  return { client, clock, alice, bob, roomId }
}

describe('A connection of sliding sync', () => {
  it('repeats an answer that got lost', async () => {
    const { alice, bob, roomId } = await aliceAndBob()
    const sliding = new SlidingClient(bob)
    await sliding.sync()
    await alice.send(roomId, 'one')
    const { body: lost } = await sliding.ask()
    await alice.send(roomId, 'two')
    expect((await sliding.ask()).body).toEqual(lost)
    expect(textsOf((await sliding.sync()).rooms[roomId])).toEqual(['one'])
    expect(textsOf((await sliding.sync()).rooms[roomId])).toEqual(['two'])
  })

  it('composes a lost answer anew when it is asked something else', async () => {
    const { alice, bob, roomId } = await aliceAndBob()
    const other = await bob.createRoom()
    const sliding = new SlidingClient(bob, { lists: { all: { ...ALL_ROOMS, ranges: [[0, 0]] } } })
    expect(Object.keys((await sliding.sync()).rooms)).toEqual([other])
    await alice.send(roomId, 'one')
    expect(Object.keys((await sliding.ask()).body.rooms)).toEqual([roomId])
    const { rooms } = await sliding.sync({ lists: { all: ALL_ROOMS } })
    expect(Object.keys(rooms)).toEqual([roomId])
    expect(rooms[roomId].initial).toBe(true)
    expect((await sliding.sync()).rooms).toEqual({})
  })

  it('knows a token for as long as it is the newest that its client has', async () => {
    const { alice, bob, roomId } = await aliceAndBob()
    const sliding = new SlidingClient(bob, { lists: { all: { ...ALL_ROOMS, ranges: [[0, 0]] } } })
    await sliding.sync()
    const first = sliding.pos
    await bob.createRoom()
    await sliding.sync()
    await alice.send(roomId, 'x')
    await bob.createRoom()
    await sliding.sync()
    sliding.pos = first
    expect(await sliding.ask()).toMatchObject(UNKNOWN_POS)
  })

  it('belongs to one device and one name', async () => {
    const { client, bob, alice } = await aliceAndBob()
    const sliding = new SlidingClient(bob)
    await sliding.sync()
    for (const [user, body] of [
      [alice, sliding.body],
      [await client.login('bob'), sliding.body],
      [bob, { ...sliding.body, conn_id: 'other' }],
    ] as const) {
      const stolen = new SlidingClient(user, body)
      stolen.pos = sliding.pos
      expect(await stolen.ask()).toMatchObject(UNKNOWN_POS)
    }
    for (const pos of ['nonsense', 's1_0', 's999999999_0_000000000000', 's1_0_000000000000']) {
      const forged = new SlidingClient(bob)
      forged.pos = pos
      expect(await forged.ask()).toMatchObject(UNKNOWN_POS)
    }
    expect((await sliding.ask()).status).toBe(200)
  })

  it('lives beside others of the same device', async () => {
    const { alice, bob, roomId } = await aliceAndBob()
    const rooms = new SlidingClient(bob, { conn_id: 'room-list', lists: { all: ALL_ROOMS } })
    const encryption = new SlidingClient(bob, { conn_id: 'encryption', extensions: { to_device: { enabled: true } } })
    await rooms.sync()
    await encryption.sync()
    await alice.send(roomId, 'one')
    expect((await encryption.sync()).rooms).toEqual({})
    expect(textsOf((await rooms.sync()).rooms[roomId])).toEqual(['one'])
  })

  it('expires when it is not used for two weeks, not when it is', async () => {
    const { clock, bob } = await aliceAndBob()
    const sliding = new SlidingClient(bob)
    await sliding.sync()
    for (let weeks = 0; weeks < 3; weeks++) {
      clock.advance(7 * DAY_MS)
      await sliding.sync()
    }
    clock.advance(15 * DAY_MS)
    expect(await sliding.ask()).toMatchObject(UNKNOWN_POS)
  })

  it('that was not used for longest gives way when a device has more than ten', async () => {
    const { clock, bob } = await aliceAndBob()
    const connections = Array.from({ length: 12 }, (_, i) => new SlidingClient(bob, { conn_id: `c${i}` }))
    for (const connection of connections) {
      await connection.sync()
      clock.advance(1_000)
    }
    const statuses = await Promise.all(connections.map(async (connection) => (await connection.ask()).status))
    expect(statuses).toEqual([400, 400, ...Array(10).fill(200)])
  })

  it('goes on after a restart where it was', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bongsu-sliding-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const clock = new FakeClock()
    const before = await startServer({ directory, clock })
    const alice = await before.client.register('alice')
    const bob = await before.client.register('bob')
    const roomIds: string[] = []
    for (let i = 0; i < 3; i++) {
      const roomId = await alice.createRoom({ preset: 'public_chat' })
      await bob.join(roomId)
      roomIds.push(roomId)
    }
    const [quiet = '', missed = '', shown = ''] = roomIds
    const sliding = new SlidingClient(bob)
    await sliding.sync()
    await sliding.sync({ lists: { all: { ...ALL_ROOMS, ranges: [[0, 0]] } } })
    await alice.send(missed, 'out of sight')
    await alice.send(shown, 'seen')
    expect(Object.keys((await sliding.sync()).rooms)).toEqual([shown])
    await before.close()
    const after = await startServer({ directory, clock })
    const again = new SlidingClient(new User(after.url, bob.accessToken ?? '', bob.userId, bob.deviceId), {
      lists: { all: ALL_ROOMS },
    })
    again.pos = sliding.pos
    const { rooms } = await again.sync()
    expect(Object.keys(rooms)).toEqual([missed])
    expect(textsOf(rooms[missed])).toEqual(['out of sight'])
    expect(rooms[missed].initial).toBeUndefined()
    expect(rooms[quiet]).toBeUndefined()
  })

  it('is told what is wrong with what it asks', async () => {
    const { bob } = await aliceAndBob()
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`list${i}`, ALL_ROOMS]))
    const rooms = Object.fromEntries(
      Array.from({ length: 101 }, (_, i) => [`!r${i}:example.org`, { timeline_limit: 1, required_state: {} }]),
    )
    const ask = (body: object, path?: string) => new SlidingClient(bob, body, path).ask()
    expect(await ask({ lists: many })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
    expect(await ask({ room_subscriptions: rooms }, STABLE)).toMatchObject({ body: { errcode: 'M_INVALID_PARAM' } })
    expect(await ask({ set_presence: 'asleep' }, STABLE)).toMatchObject({ body: { errcode: 'M_INVALID_PARAM' } })
    expect((await ask({ lists: { a: {} } })).status).toBe(400)
  })

  it('gives tokens that /messages takes', async () => {
    const { alice, bob, roomId } = await aliceAndBob()
    const sliding = new SlidingClient(bob)
    await alice.send(roomId, 'one')
    await sliding.sync()
    await alice.send(roomId, 'two')
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1&from=${sliding.pos}`
    expect((await bob.get(path)).chunk[0].content.body).toBe('one')
  })
})
