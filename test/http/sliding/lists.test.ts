import { describe, expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { SlidingClient, STABLE, stateOf, textsOf } from '../../support/sliding.ts'

const QUIET = { timeline_limit: 0, required_state: [] }

async function alice(): Promise<User> {
  const { client } = await startServer()
  return client.register('alice')
}

/** The rooms that a list with this filter has. */
async function listed(user: User, filters: object, path?: string): Promise<string[]> {
  const required_state = path === STABLE ? {} : []
  const lists = { found: { timeline_limit: 0, required_state, filters } }
  const answer = await new SlidingClient(user, { lists }, path).sync()
  expect(answer.lists.found.count).toBe(Object.keys(answer.rooms).length)
  return Object.keys(answer.rooms)
}

describe('A list of sliding sync', () => {
  it('has the rooms in which something happened last, and those that come into its window', async () => {
    const user = await alice()
    const rooms: string[] = []
    for (let i = 0; i < 5; i++) rooms.push(await user.createRoom())
    const [r0 = '', r1 = '', r2 = '', r3 = '', r4 = ''] = rooms
    const windowOf = (first: number, last: number) => ({ lists: { top: { ...QUIET, ranges: [[first, last]] } } })
    const sliding = new SlidingClient(user, windowOf(0, 1))
    const answer = await sliding.sync()
    expect(answer.lists.top.count).toBe(5)
    expect(Object.keys(answer.rooms)).toEqual([r4, r3])
    await user.send(r0, 'up')
    expect(Object.keys((await sliding.sync()).rooms)).toEqual([r0])
    expect(Object.keys((await sliding.sync(windowOf(0, 3))).rooms)).toEqual([r2])
    expect(Object.keys((await sliding.sync(windowOf(0, 99))).rooms)).toEqual([r1])
    expect((await sliding.sync(windowOf(0, 0))).rooms).toEqual({})
  })

  it('goes on where it was with a room that was out of sight', async () => {
    const user = await alice()
    const first = await user.createRoom()
    const lists = { top: { timeline_limit: 5, required_state: [['m.room.topic', '']], ranges: [[0, 0]] } }
    const sliding = new SlidingClient(user, { lists })
    await sliding.sync()
    const second = await user.createRoom()
    await sliding.sync()
    await user.send(first, 'missed')
    await user.sendState(first, 'm.room.topic', { topic: 'missed too' })
    await user.send(second, 'seen')
    expect(textsOf((await sliding.sync()).rooms[second])).toEqual(['seen'])
    await sliding.sync()
    const { rooms } = await sliding.sync({ lists: { top: { ...lists.top, ranges: [[0, 9]] } } })
    expect(rooms[first].initial).toBeUndefined()
    expect(textsOf(rooms[first])).toEqual(['missed', 'm.room.topic'])
    expect(stateOf(rooms[first])).toEqual(['m.room.topic'])
  })

  it('gives the union of what several rules say of a room', async () => {
    const user = await alice()
    const roomId = await user.createRoom({ name: 'Both', topic: 'also' })
    const lists = {
      names: { timeline_limit: 1, required_state: [['m.room.name', '']] },
      topics: { timeline_limit: 3, required_state: [['m.room.topic', '']] },
    }
    const room_subscriptions = { [roomId]: { timeline_limit: 2, required_state: [['m.room.create', '']] } }
    const { rooms } = await new SlidingClient(user, { lists, room_subscriptions }).sync()
    expect(stateOf(rooms[roomId])).toEqual(['m.room.create', 'm.room.name', 'm.room.topic'])
    expect(rooms[roomId].timeline).toHaveLength(3)
  })

  it('is filtered by what the user says of rooms: direct chats and tags', async () => {
    const user = await alice()
    const [direct, favourite, both, plain] = [
      await user.createRoom(),
      await user.createRoom(),
      await user.createRoom(),
      await user.createRoom(),
    ]
    const account = `/v3/user/${encodeURIComponent(user.userId)}`
    const tag = (roomId: string, name: string) =>
      user.put(`${account}/rooms/${encodeURIComponent(roomId)}/tags/${name}`)
    await user.put(`${account}/account_data/m.direct`, { '@bob:example.org': [direct] })
    await tag(favourite, 'm.favourite')
    await tag(both, 'm.favourite')
    await tag(both, 'u.work')
    expect(await listed(user, { is_dm: true })).toEqual([direct])
    expect(await listed(user, { is_dm: false })).toEqual([plain, both, favourite])
    expect(await listed(user, { tags: ['m.favourite'] })).toEqual([both, favourite])
    expect(await listed(user, { tags: ['m.favourite'], not_tags: ['u.work'] })).toEqual([favourite])
    expect(await listed(user, { not_tags: ['m.favourite'], is_dm: false })).toEqual([plain])
    await user.delete(`${account}/rooms/${encodeURIComponent(both)}/tags/m.favourite`)
    expect(await listed(user, { tags: ['m.favourite'] })).toEqual([favourite])
  })

  it('is filtered by what rooms are: type, encryption, name, space', async () => {
    const user = await alice()
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
    const encrypted = await user.createRoom({ initial_state: [encryption], name: '예산 회의' })
    const space = await user.createRoom({ creation_content: { type: 'm.space' } })
    const plain = await user.createRoom({ name: 'Lunch' })
    await user.sendState(space, 'm.space.child', { via: ['example.org'] }, plain)
    expect(await listed(user, { is_encrypted: true })).toEqual([encrypted])
    expect(await listed(user, { is_encrypted: false })).toEqual([space, plain])
    expect(await listed(user, { room_types: ['m.space'] })).toEqual([space])
    expect(await listed(user, { room_types: [null] })).toEqual([plain, encrypted])
    expect(await listed(user, { not_room_types: ['m.space'] })).toEqual([plain, encrypted])
    expect(await listed(user, { room_types: [null], not_room_types: [null] })).toEqual([])
    expect(await listed(user, { room_name_like: '회의' })).toEqual([encrypted])
    expect(await listed(user, { room_name_like: 'LUN' })).toEqual([plain])
    expect(await listed(user, { spaces: [space, '!unknown:example.org'] })).toEqual([plain])
    // What changes, changes the lists.
    await user.sendState(plain, 'm.room.encryption', encryption.content)
    await user.sendState(plain, 'm.room.name', { name: 'Dinner' })
    await user.sendState(space, 'm.space.child', {}, plain)
    expect(await listed(user, { is_encrypted: true })).toEqual([plain, encrypted])
    expect(await listed(user, { room_name_like: 'lunch' })).toEqual([])
    expect(await listed(user, { spaces: [space] })).toEqual([])
  })

  it('finds names by their beginning, however long they are', async () => {
    const user = await alice()
    const roomId = await user.createRoom({ name: `begins ${'\ufdfa'.repeat(19_000)} ends` })
    const unnamed = await user.createRoom()
    expect(await listed(user, { room_name_like: 'BEGINS' })).toEqual([roomId])
    expect(await listed(user, { room_name_like: 'ends' })).toEqual([])
    expect(await listed(user, { room_name_like: '' })).toEqual([unnamed, roomId])
  })

  it('is filtered by invites, of which the invite says what the room is', async () => {
    const { client } = await startServer()
    const host = await client.register('host')
    const guest = await client.register('guest')
    const joined = await guest.createRoom()
    const space = await host.createRoom({ creation_content: { type: 'm.space' }, name: 'Offices' })
    await host.invite(space, guest.userId)
    expect(await listed(guest, { is_invite: true })).toEqual([space])
    expect(await listed(guest, { is_invited: true }, STABLE)).toEqual([space])
    expect(await listed(guest, { is_invite: false })).toEqual([joined])
    expect(await listed(guest, { room_types: ['m.space'] })).toEqual([space])
    // What happens after the invite is not for the guest to know.
    await host.sendState(space, 'm.room.name', { name: 'Secret' })
    expect(await listed(guest, { room_name_like: 'secret' })).toEqual([])
    expect(await listed(guest, { room_name_like: 'offices' })).toEqual([space])
  })

  it('hides invites of ignored users', async () => {
    const { client } = await startServer()
    const host = await client.register('host')
    const guest = await client.register('guest')
    await host.invite(await host.createRoom(), guest.userId)
    expect(await listed(guest, {})).toHaveLength(1)
    const ignored = { ignored_users: { [host.userId]: {} } }
    await guest.put(`/v3/user/${encodeURIComponent(guest.userId)}/account_data/m.ignored_user_list`, ignored)
    expect(await listed(guest, {})).toEqual([])
  })

  it('tells when a room becomes a direct chat', async () => {
    const user = await alice()
    const roomId = await user.createRoom()
    const sliding = new SlidingClient(user, { lists: { all: QUIET } })
    expect((await sliding.sync()).rooms[roomId].is_dm).toBeUndefined()
    const direct = `/v3/user/${encodeURIComponent(user.userId)}/account_data/m.direct`
    await user.put(direct, { '@bob:example.org': [roomId] })
    expect((await sliding.sync()).rooms[roomId].is_dm).toBe(true)
    expect((await sliding.sync()).rooms).toEqual({})
    await user.put(direct, {})
    expect((await sliding.sync()).rooms[roomId].is_dm).toBe(false)
  })
})

describe('A subscription of sliding sync', () => {
  it('shows nothing of a room that one has nothing to do with', async () => {
    const { client } = await startServer()
    const host = await client.register('host')
    const stranger = await client.register('stranger')
    const roomId = await host.createRoom({ preset: 'public_chat' })
    const room_subscriptions = { [roomId]: { timeline_limit: 5, required_state: [['*', '*']] }, nonsense: QUIET }
    const sliding = new SlidingClient(stranger, { room_subscriptions })
    expect((await sliding.sync()).rooms).toEqual({})
    await stranger.join(roomId)
    expect((await sliding.sync()).rooms[roomId].initial).toBe(true)
  })

  it('shows a room that one has left as it was then', async () => {
    const { client } = await startServer()
    const host = await client.register('host')
    const guest = await client.register('guest')
    const roomId = await host.createRoom({ preset: 'public_chat', name: 'Then' })
    await guest.join(roomId)
    await guest.leave(roomId)
    await host.sendState(roomId, 'm.room.name', { name: 'Now' })
    await host.send(roomId, 'secret')
    const room_subscriptions = { [roomId]: { timeline_limit: 1, required_state: [['*', '*']] } }
    const sliding = new SlidingClient(guest, { room_subscriptions })
    const { rooms } = await sliding.sync()
    expect(rooms[roomId].name).toBe('Then')
    expect(textsOf(rooms[roomId])).toEqual(['m.room.member'])
    expect(JSON.stringify(rooms)).not.toContain('Now')
    await host.send(roomId, 'secret')
    expect((await sliding.sync()).rooms).toEqual({})
  })
})
