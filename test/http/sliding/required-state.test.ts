import { describe, expect, it } from 'vitest'
import { startServer } from '../../support/server.ts'
import { SlidingClient, STABLE, stateOf } from '../../support/sliding.ts'

async function threeInARoom() {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const carol = await client.register('carol')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'Budget', topic: 'Next year' })
  for (const user of [bob, carol]) await user.join(roomId)
  await alice.sendState(roomId, 'm.space.child', { via: ['example.org'] }, '!a:example.org')
  await alice.sendState(roomId, 'm.space.child', { via: ['example.org'] }, '!b:example.org')
  return { alice, bob, carol, roomId }
}

const members = (room: unknown) => stateOf(room).filter((place) => place.startsWith('m.room.member'))

describe('Required state', () => {
  it('names places, any key of a type, any type of a key, and oneself', async () => {
    const { bob, carol, roomId } = await threeInARoom()
    const ask = async (required_state: string[][]) => {
      const { rooms } = await new SlidingClient(bob, { lists: { all: { timeline_limit: 0, required_state } } }).sync()
      return stateOf(rooms[roomId])
    }
    expect(await ask([['m.room.name', '']])).toEqual(['m.room.name'])
    expect(await ask([['m.space.child', '*']])).toEqual([
      'm.space.child/!a:example.org',
      'm.space.child/!b:example.org',
    ])
    expect(await ask([['m.room.member', '$ME']])).toEqual([`m.room.member/${bob.userId}`])
    expect(await ask([['*', carol.userId]])).toEqual([`m.room.member/${carol.userId}`])
    expect(await ask([['*', '!a:example.org']])).toEqual(['m.space.child/!a:example.org'])
    const all = await ask([['*', '*']])
    expect(all).toContain('m.room.create')
    expect(all.filter((place) => place.startsWith('m.room.member'))).toHaveLength(3)
    expect(
      await ask([
        ['m.room.member', '$LAZY'],
        ['*', '*'],
      ]),
    ).toEqual(all.filter((place) => !place.startsWith('m.room.member')))
  })

  it('leaves out what the accepted form excludes', async () => {
    const { bob, roomId } = await threeInARoom()
    const ask = async (required_state: object) => {
      const lists = { all: { timeline_limit: 0, required_state } }
      return stateOf((await new SlidingClient(bob, { lists }, STABLE).sync()).rooms[roomId])
    }
    const all = await ask({ include: [{}] })
    const without = await ask({
      include: [{}],
      exclude: [{ type: 'm.room.create', state_key: '' }, { type: 'm.space.child' }],
    })
    expect(without).toEqual(all.filter((place) => place !== 'm.room.create' && !place.startsWith('m.space.child')))
    const lazy = await ask({ include: [{}, { type: 'm.room.member', state_key: bob.userId }], lazy_members: true })
    expect(members({ required_state: [] })).toEqual([])
    expect(lazy.filter((place) => place.startsWith('m.room.member'))).toEqual([`m.room.member/${bob.userId}`])
    expect(await ask({})).toEqual([])
  })

  it('brings the members that a timeline needs, once', async () => {
    const { alice, bob, carol, roomId } = await threeInARoom()
    await alice.send(roomId, 'from alice')
    const lists = { all: { timeline_limit: 1, required_state: [['m.room.member', '$LAZY']] } }
    const sliding = new SlidingClient(bob, { lists })
    expect(members((await sliding.sync()).rooms[roomId])).toEqual([`m.room.member/${alice.userId}`])
    await carol.send(roomId, 'from carol')
    expect(members((await sliding.sync()).rooms[roomId])).toEqual([`m.room.member/${carol.userId}`])
    await carol.send(roomId, 'again')
    expect(members((await sliding.sync()).rooms[roomId])).toEqual([])
    await carol.sendState(roomId, 'm.room.member', { membership: 'join', displayname: 'Caroline' }, carol.userId)
    expect(members((await sliding.sync()).rooms[roomId])).toEqual([`m.room.member/${carol.userId}`])
  })

  it('brings the members that a timeline needs again behind a gap', async () => {
    const { alice, bob, roomId } = await threeInARoom()
    const lists = { all: { timeline_limit: 1, required_state: [['m.room.member', '$LAZY']] } }
    const sliding = new SlidingClient(bob, { lists })
    await alice.send(roomId, '1')
    await sliding.sync()
    for (const text of ['2', '3']) await alice.send(roomId, text)
    const { rooms } = await sliding.sync()
    expect(rooms[roomId].limited).toBe(true)
    expect(members(rooms[roomId])).toEqual([`m.room.member/${alice.userId}`])
  })

  it('brings the members of an answer that got lost again', async () => {
    const { alice, bob, carol, roomId } = await threeInARoom()
    const lists = { all: { timeline_limit: 1, required_state: [['m.room.member', '$LAZY']] } }
    const sliding = new SlidingClient(bob, { lists })
    await alice.send(roomId, 'from alice')
    await sliding.sync()
    await carol.send(roomId, 'from carol')
    const room_subscriptions = { [roomId]: { timeline_limit: 2, required_state: [] } }
    await sliding.ask()
    const { rooms } = await sliding.sync({ room_subscriptions })
    expect(members(rooms[roomId])).toContain(`m.room.member/${carol.userId}`)
  })

  it('brings the members of an answer that was given up for other rooms when those rooms come back', async () => {
    const { alice, bob, carol, roomId } = await threeInARoom()
    const other = await bob.createRoom()
    const required_state = [['m.room.member', '$LAZY']]
    const windowTo = (last: number) => ({ lists: { all: { timeline_limit: 1, ranges: [[0, last]], required_state } } })
    await alice.send(roomId, 'from alice')
    const sliding = new SlidingClient(bob, windowTo(9))
    await sliding.sync()
    await carol.send(roomId, 'from carol')
    await bob.send(other, 'newer')
    await sliding.ask()
    await sliding.sync(windowTo(0))
    await bob.send(other, 'newest')
    await sliding.sync()
    const { rooms } = await sliding.sync(windowTo(9))
    expect(members(rooms[roomId])).toEqual([`m.room.member/${carol.userId}`])
  })

  it('is sent as it changes, and what was not asked for meanwhile is caught up', async () => {
    const { alice, bob, roomId } = await threeInARoom()
    const listsOf = (...types: string[]) => ({
      lists: { all: { timeline_limit: 0, required_state: types.map((type) => [type, '']) } },
    })
    const sliding = new SlidingClient(bob, listsOf('m.room.name', 'm.room.topic'))
    await sliding.sync()
    await sliding.sync(listsOf('m.room.name'))
    // Nothing has changed, so nothing is repeated.
    expect((await sliding.sync(listsOf('m.room.name', 'm.room.topic'))).rooms).toEqual({})
    await sliding.sync(listsOf('m.room.name'))
    await alice.sendState(roomId, 'm.room.topic', { topic: 'This year' })
    expect(stateOf((await sliding.sync()).rooms[roomId])).toEqual([])
    const { rooms } = await sliding.sync(listsOf('m.room.name', 'm.room.topic'))
    expect(rooms[roomId].required_state).toMatchObject([{ type: 'm.room.topic', content: { topic: 'This year' } }])
  })
})
