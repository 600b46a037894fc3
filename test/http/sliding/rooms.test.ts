import { describe, expect, it } from 'vitest'
import { startServer } from '../../support/server.ts'
import { ALL_ROOMS, SlidingClient, STABLE, stateOf, textsOf } from '../../support/sliding.ts'

async function twoInARoom(options: object = {}) {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'Budget', ...options })
  await bob.join(roomId)
  return { client, alice, bob, roomId }
}

describe('A room in sliding sync', () => {
  it('is told whole at first, and then only what is new', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    await alice.send(roomId, 'one')
    const sliding = new SlidingClient(bob)
    const first = await sliding.sync()
    expect(first.lists).toEqual({ all: { count: 1 } })
    expect(first.rooms[roomId]).toMatchObject({ initial: true, name: 'Budget', joined_count: 2, invited_count: 0 })
    expect(first.rooms[roomId].heroes).toBeUndefined()
    expect(stateOf(first.rooms[roomId])).toEqual(['m.room.create', 'm.room.name'])
    expect(textsOf(first.rooms[roomId]).at(-1)).toBe('one')
    await alice.send(roomId, 'two')
    const second = await sliding.sync()
    expect(second.rooms[roomId].initial).toBeUndefined()
    expect(textsOf(second.rooms[roomId])).toEqual(['two'])
    expect(second.rooms[roomId]).toMatchObject({ num_live: 1, limited: false })
    expect(second.rooms[roomId].name).toBeUndefined()
    expect(second.rooms[roomId].bump_stamp).toBeGreaterThan(first.rooms[roomId].bump_stamp)
    expect((await sliding.sync()).rooms).toEqual({})
  })

  it('wakes who waits', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const sliding = new SlidingClient(bob)
    await sliding.sync()
    const waiting = sliding.sync({}, 30_000)
    await alice.send(roomId, 'wake up')
    expect(textsOf((await waiting).rooms[roomId])).toEqual(['wake up'])
  })

  it('tells of changed state, and in the accepted form also of what is gone', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const required_state = { include: [{ type: 'm.room.name', state_key: '' }, { type: 'm.room.topic' }] }
    const lists = { all: { range: [0, 9], timeline_limit: 0, required_state } }
    const sliding = new SlidingClient(bob, { lists }, STABLE)
    const first = await sliding.sync()
    expect(first.rooms[roomId]).toMatchObject({ membership: 'join', lists: ['all'], name: 'Budget' })
    await alice.sendState(roomId, 'm.room.topic', { topic: 'next year' })
    const second = await sliding.sync()
    expect(stateOf(second.rooms[roomId])).toEqual(['m.room.topic'])
    await alice.sendState(roomId, 'm.room.name', { name: '' })
    const third = await sliding.sync()
    expect(third.rooms[roomId]).toMatchObject({ name: null, heroes: [{ user_id: alice.userId, displayname: 'alice' }] })
  })

  it('names its heroes while it has no name', async () => {
    const { alice, bob, roomId } = await twoInARoom({ name: undefined })
    const { rooms } = await new SlidingClient(bob).sync()
    expect(rooms[roomId].name).toBeUndefined()
    expect(rooms[roomId].heroes).toEqual([{ user_id: alice.userId, displayname: 'alice' }])
  })

  it('gives more of the past when more is asked for', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    for (const text of ['1', '2', '3', '4']) await alice.send(roomId, text)
    const sliding = new SlidingClient(bob, { lists: { all: { ...ALL_ROOMS, timeline_limit: 1 } } })
    expect(textsOf((await sliding.sync()).rooms[roomId])).toEqual(['4'])
    const subscription = { timeline_limit: 3, required_state: [['m.room.history_visibility', '']] }
    const more = await sliding.sync({ room_subscriptions: { [roomId]: subscription } })
    expect(more.rooms[roomId]).toMatchObject({ unstable_expanded_timeline: true, num_live: 0, limited: true })
    expect(textsOf(more.rooms[roomId])).toEqual(['2', '3', '4'])
    expect(stateOf(more.rooms[roomId])).toEqual(['m.room.history_visibility'])
    expect((await sliding.sync()).rooms).toEqual({})
    await alice.send(roomId, '5')
    await sliding.sync({ room_subscriptions: {} })
    expect((await sliding.sync({ room_subscriptions: { [roomId]: subscription } })).rooms).toEqual({})
  })

  it('is told of as left, once, and then not at all', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const sliding = new SlidingClient(bob)
    await sliding.sync()
    await alice.send(roomId, 'before')
    await bob.leave(roomId)
    await alice.send(roomId, 'after')
    const { rooms } = await sliding.sync()
    expect(textsOf(rooms[roomId])).toEqual(['before', 'm.room.member'])
    await alice.send(roomId, 'long after')
    await alice.sendState(roomId, 'm.room.name', { name: 'Secret' })
    expect(await sliding.sync()).toMatchObject({ lists: { all: { count: 0 } }, rooms: {} })
  })

  it('stays in the list when one was put out of it, and shows nothing more', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const sliding = new SlidingClient(bob)
    await sliding.sync()
    await alice.post(`/v3/rooms/${encodeURIComponent(roomId)}/kick`, { user_id: bob.userId })
    await alice.sendState(roomId, 'm.room.name', { name: 'Secret' })
    const told = await sliding.sync()
    expect(textsOf(told.rooms[roomId])).toEqual(['m.room.member'])
    expect(told.rooms[roomId].name).toBeUndefined()
    await alice.send(roomId, 'secret')
    expect(await sliding.sync()).toMatchObject({ lists: { all: { count: 1 } }, rooms: {} })
    const anew = await new SlidingClient(bob).sync()
    expect(anew.rooms[roomId]).toMatchObject({ initial: true, name: 'Budget' })
    expect(textsOf(anew.rooms[roomId])).not.toContain('secret')
  })

  it('that one was put out of says so each time: clients take a room for joined that does not', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const own = [`m.room.member/${bob.userId}`]
    const lists = { all: { timeline_limit: 1, required_state: [['m.room.member', '$ME']] } }
    const sliding = new SlidingClient(bob, { lists })
    await sliding.sync()
    await alice.post(`/v3/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: bob.userId })
    expect(stateOf((await sliding.sync()).rooms[roomId])).toEqual(own)
    await bob.put(`/v3/user/${encodeURIComponent(bob.userId)}/account_data/m.direct`, { [alice.userId]: [roomId] })
    const { rooms } = await sliding.sync()
    expect(rooms[roomId].is_dm).toBe(true)
    expect(stateOf(rooms[roomId])).toEqual(own)
    expect((await sliding.sync()).rooms).toEqual({})
  })

  it('is told anew when an invite back to it is withdrawn, and then how one stands to it', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const required_state = [
      ['m.room.name', ''],
      ['m.room.member', '$LAZY'],
      ['m.room.member', '$ME'],
    ]
    const sliding = new SlidingClient(bob, { lists: { all: { timeline_limit: 1, required_state } } })
    const act = (what: string) => alice.post(`/v3/rooms/${encodeURIComponent(roomId)}/${what}`, { user_id: bob.userId })
    await act('kick')
    await sliding.sync()
    await act('invite')
    expect((await sliding.sync()).rooms[roomId].invite_state).toBeDefined()
    await act('ban')
    const { rooms } = await sliding.sync()
    expect(rooms[roomId]).toMatchObject({ initial: true, name: 'Budget' })
    const places = [`m.room.member/${alice.userId}`, `m.room.member/${bob.userId}`, 'm.room.name']
    expect(stateOf(rooms[roomId])).toEqual(places)
    const own = rooms[roomId].required_state.find((event: { state_key: string }) => event.state_key === bob.userId)
    expect(own.content.membership).toBe('ban')
    expect((await sliding.sync()).rooms).toEqual({})
  })

  it('to which one is invited shows what the invite says', async () => {
    const { client, alice, roomId } = await twoInARoom()
    const carol = await client.register('carol')
    const sliding = new SlidingClient(carol)
    const stable = new SlidingClient(
      carol,
      { conn_id: 'other', lists: { all: { timeline_limit: 1, required_state: {} } } },
      STABLE,
    )
    await sliding.sync()
    await stable.sync()
    await alice.send(roomId, 'secret')
    await alice.invite(roomId, carol.userId)
    const { [roomId]: invite } = (await sliding.sync()).rooms
    const types = invite.invite_state.map((event: { type: string }) => event.type)
    expect(types).toContain('m.room.name')
    expect(types.filter((type: string) => type === 'm.room.member')).toHaveLength(2)
    expect(invite.invite_state.at(-1)).toMatchObject({
      event_id: expect.any(String),
      origin_server_ts: expect.any(Number),
    })
    expect(invite.timeline).toBeUndefined()
    expect((await stable.sync()).rooms[roomId]).toMatchObject({
      membership: 'invite',
      stripped_state: expect.any(Array),
    })
    await carol.join(roomId)
    expect((await sliding.sync()).rooms[roomId]).toMatchObject({ initial: true, name: 'Budget' })
    expect((await stable.sync()).rooms[roomId]).toMatchObject({ initial: true, membership: 'join' })
  })

  it('whose invite is refused is told of as left', async () => {
    const { client, alice, roomId } = await twoInARoom()
    const carol = await client.register('carol')
    const sliding = new SlidingClient(carol)
    await alice.invite(roomId, carol.userId)
    await sliding.sync()
    await carol.leave(roomId)
    const { rooms } = await sliding.sync()
    expect(rooms[roomId].invite_state).toBeUndefined()
    expect(rooms[roomId].required_state).toMatchObject([{ type: 'm.room.member', content: { membership: 'leave' } }])
    expect(await sliding.sync()).toMatchObject({ lists: { all: { count: 0 } }, rooms: {} })
  })
})
