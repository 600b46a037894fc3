// biome-ignore-all lint/suspicious/noExplicitAny: tests look into answers of many shapes, and a wrong one fails them
import { describe, expect, it } from 'vitest'
import { REQUIRED_STATE } from '../../support/element-x.ts'
import { startServer } from '../../support/server.ts'
import { SlidingClient, stateOf, textsOf } from '../../support/sliding.ts'

/** The questions of Element X (matrix-rust-sdk, `room_list_service` and `encryption_sync_service`), as they are sent. */
const listTo = (last: number) => ({
  lists: {
    all_rooms: {
      ranges: [[0, last]],
      timeline_limit: 1,
      required_state: REQUIRED_STATE,
      filters: { not_room_types: ['m.space'] },
    },
  },
})
const ROOM_LIST = {
  conn_id: 'room-list',
  ...listTo(19),
  extensions: {
    account_data: { enabled: true },
    receipts: { enabled: true, rooms: ['*'] },
    typing: { enabled: true },
  },
}
const ENCRYPTION = { conn_id: 'encryption', extensions: { to_device: { enabled: true }, e2ee: { enabled: true } } }
const OPENED = { timeline_limit: 20, required_state: [...REQUIRED_STATE, ['m.room.pinned_events', '']] }

describe('Element X', () => {
  it('finds what it needs in /versions', async () => {
    const { client } = await startServer()
    expect((await client.get('/versions')).unstable_features).toMatchObject({ 'org.matrix.simplified_msc3575': true })
  })

  it('may subscribe to every room that its user has scrolled past', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const strange = Array.from({ length: 150 }, (_, i) => [`!r${i}:example.org`, OPENED] as const)
    const roomId = await alice.createRoom()
    const room_subscriptions = Object.fromEntries([...strange, [roomId, OPENED]])
    const { rooms } = await new SlidingClient(alice, { conn_id: 'room-list', room_subscriptions }).sync()
    expect(Object.keys(rooms)).toEqual([roomId])
  })

  it('leaves out what state it wants where it wants none', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const roomId = await alice.createRoom()
    const lists = { all: { ranges: [[0, 9]], timeline_limit: 1 } }
    const room_subscriptions = { [roomId]: { timeline_limit: 1 } }
    const { rooms } = await new SlidingClient(alice, { lists, room_subscriptions }).sync()
    expect(stateOf(rooms[roomId])).toEqual([])
  })

  it('loads its list in growing windows, opens a room, and is told of everything on two connections', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const bob = await client.register('bob')
    const rooms: string[] = []
    for (let i = 0; i < 30; i++) {
      const roomId = await bob.createRoom({ preset: 'public_chat', name: `Room ${i}` })
      await alice.join(roomId)
      rooms.push(roomId)
    }
    const calls = rooms[29] as string
    const member = { application: 'm.call', call_id: '' }
    await bob.sendState(calls, 'org.matrix.msc3401.call.member', member, `_${bob.userId}_DEVICE_m.call`).catch(() => {})

    const list = new SlidingClient(alice, ROOM_LIST)
    const encryption = new SlidingClient(alice, ENCRYPTION)
    const first = await list.sync()
    expect(first.lists.all_rooms.count).toBe(30)
    expect(Object.keys(first.rooms)).toEqual(rooms.slice(10).reverse())
    expect(first.rooms[calls]).toMatchObject({ name: 'Room 29', joined_count: 2, bump_stamp: expect.any(Number) })
    expect(stateOf(first.rooms[calls])).toContain(`m.room.member/${alice.userId}`)
    const more = await list.sync(listTo(99))
    expect(Object.keys(more.rooms)).toEqual(rooms.slice(0, 10).reverse())
    expect((await encryption.sync()).extensions).toMatchObject({ to_device: { events: [] }, e2ee: {} })

    const waitingForKeys = encryption.sync({}, 30_000)
    const waiting = list.sync({}, 30_000)
    await bob.put('/v3/sendToDevice/m.room.encrypted/t1', { messages: { [alice.userId]: { '*': { a: 1 } } } })
    expect((await waitingForKeys).extensions.to_device.events).toHaveLength(1)
    const oldest = rooms[0] as string
    await bob.send(oldest, 'ping')
    expect(textsOf((await waiting).rooms[oldest])).toEqual(['ping'])

    for (let i = 0; i < 25; i++) await bob.send(oldest, `${i}`)
    const opened = await list.sync({ room_subscriptions: { [oldest]: OPENED } })
    expect(opened.rooms[oldest]).toMatchObject({ unstable_expanded_timeline: true, limited: true, num_live: 20 })
    expect(textsOf(opened.rooms[oldest])).toHaveLength(20)
    const eventId = opened.rooms[oldest].timeline.at(-1).event_id
    const reading = list.sync({}, 30_000)
    await bob.post(`/v3/rooms/${encodeURIComponent(oldest)}/receipt/m.read/${encodeURIComponent(eventId)}`)
    const { receipts } = (await reading).extensions
    expect(Object.keys(receipts.rooms[oldest].content[eventId]['m.read'])).toEqual([bob.userId])

    // The application was closed and comes back with its token.
    await bob.send(calls, 'while away')
    const back = await list.sync({ ...listTo(19), room_subscriptions: {} })
    expect(Object.keys(back.rooms)).toEqual([calls])
    expect(textsOf(back.rooms[calls])).toEqual(['while away'])
  })
})
