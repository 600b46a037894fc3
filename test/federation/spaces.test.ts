import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { joinVia, membershipBecomes, pair } from '../support/federated.ts'

const OPEN = { preset: 'public_chat' }
const SPACE = { ...OPEN, creation_content: { type: 'm.space' } }

const link = (user: User, space: string, child: string, via: string, more: object = {}) =>
  user.sendState(space, 'm.space.child', { via: [via], ...more }, child)

const hierarchy = async (user: User, roomId: string): Promise<string[]> => {
  const { rooms } = await user.get(`/v1/rooms/${encodeURIComponent(roomId)}/hierarchy`)
  return rooms.map((room: { room_id: string }) => room.room_id)
}

const summary = (user: User, roomId: string, via: string) =>
  user.request('GET', `/v1/room_summary/${encodeURIComponent(roomId)}?via=${via}`)

const restrictedTo = (roomId: string) => ({
  initial_state: [
    {
      type: 'm.room.join_rules',
      state_key: '',
      content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: roomId }] },
    },
  ],
})

describe('a space over two servers', () => {
  it('is walked to its end, through spaces that are elsewhere and back', async () => {
    const { alice, bob } = await pair()
    const root = await alice.createRoom(SPACE)
    const far = await bob.createRoom(SPACE)
    const farRoom = await bob.createRoom({ ...OPEN, name: 'Far away' })
    const near = await alice.createRoom(OPEN)
    await link(alice, root, far, 'two.test')
    await link(bob, far, farRoom, 'two.test', { order: 'a' })
    await link(bob, far, near, 'one.test', { order: 'b' })
    expect(await hierarchy(alice, root)).toEqual([root, far, farRoom, near])
  })

  it('shows a room that is elsewhere only to those whom it admits, once both servers know', async () => {
    const { one, alice, bob } = await pair()
    const carol = await one.client.register('carol')
    const space = await alice.createRoom(SPACE)
    const room = await bob.createRoom(restrictedTo(space))
    await link(alice, space, room, 'two.test')
    expect(await hierarchy(alice, space)).toEqual([space])
    await joinVia(bob, space, 'one.test')
    await membershipBecomes(alice, space, bob.userId, 'join')
    expect(await hierarchy(alice, space)).toEqual([space, room])
    expect(await hierarchy(carol, space)).toEqual([space])
  })

  it('keeps what is private to itself, even where the space is not', async () => {
    const { alice, bob } = await pair()
    const far = await bob.createRoom(SPACE)
    const hidden = await bob.createRoom({ preset: 'private_chat', name: 'hidden' })
    const root = await alice.createRoom(SPACE)
    await link(bob, far, hidden, 'two.test')
    await link(alice, root, hidden, 'two.test', { order: 'a' })
    await link(alice, root, far, 'two.test', { order: 'b' })
    expect(await hierarchy(alice, root)).toEqual([root, far])
  })

  it('is left out where nobody answers for it', async () => {
    const { alice } = await pair()
    const root = await alice.createRoom(SPACE)
    await link(alice, root, '!lost:nowhere.test', 'nowhere.test')
    expect(await hierarchy(alice, root)).toEqual([root])
  })
})

describe('the summary of a room that is elsewhere', () => {
  it('is had through the servers that the client names', async () => {
    const { one, alice, bob } = await pair()
    const room = await bob.createRoom({ ...OPEN, name: 'Far away' })
    const { body } = await summary(alice, room, 'two.test')
    expect(body).toMatchObject({ room_id: room, name: 'Far away', membership: 'leave', num_joined_members: 1 })
    const stranger = await one.client.request('GET', `/v1/room_summary/${encodeURIComponent(room)}?via=two.test`)
    expect(stranger.status).toBe(404)
  })

  it('is for the invited alone when the room is private', async () => {
    const { one, alice, bob } = await pair()
    const carol = await one.client.register('carol')
    const room = await bob.createRoom({ preset: 'private_chat', name: 'Far away' })
    expect((await summary(alice, room, 'two.test')).status).toBe(404)
    await bob.post(`${roomPath(room)}/invite`, { user_id: alice.userId })
    expect((await summary(alice, room, 'two.test')).body).toMatchObject({ name: 'Far away', membership: 'invite' })
    expect((await summary(carol, room, 'two.test')).status).toBe(404)
  })
})
