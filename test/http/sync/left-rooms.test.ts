import { describe, expect, it } from 'vitest'
import { roomPath } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { contentOf, filter, stateOf, timelineOf } from '../../support/sync.ts'

async function people() {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  return { alice, bob }
}

const ARCHIVED = { ...filter({ room: { include_leave: true } }), since: '' }

describe('/sync of rooms that one is not in', () => {
  it('shows an invite with what it says of the room, until it is answered', async () => {
    const { alice, bob } = await people()
    await bob.sync()
    const roomId = await alice.createRoom({ preset: 'private_chat', name: 'Plans' })
    await alice.invite(roomId, bob.userId)
    const { invite } = (await bob.sync()).rooms
    expect(stateOf(invite[roomId].invite_state)).toEqual(
      expect.arrayContaining(['m.room.name', `m.room.member/${bob.userId}`]),
    )
    // Clients show when that was.
    expect(invite[roomId].invite_state.events.at(-1)).toMatchObject({
      state_key: bob.userId,
      event_id: expect.any(String),
      origin_server_ts: expect.any(Number),
    })
    expect((await bob.sync()).rooms).toBeUndefined()
    expect((await bob.sync({ since: '' })).rooms.invite[roomId]).toBeDefined()
    await bob.leave(roomId)
    const left = (await bob.sync()).rooms
    expect(left.invite).toBeUndefined()
    expect(timelineOf(left.leave[roomId])).toEqual(['m.room.member'])
    expect(left.leave[roomId].state.events).toEqual([])
  })

  it('shows a knock to who knocks', async () => {
    const { alice, bob } = await people()
    const initial = [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }]
    const roomId = await alice.createRoom({ initial_state: initial })
    await bob.post(`/v3/knock/${encodeURIComponent(roomId)}`)
    expect(stateOf((await bob.sync()).rooms.knock[roomId].knock_state)).toContain('m.room.join_rules')
  })

  it.each(['kick', 'ban'])(
    'shows a client that only begins a room out of which its user was put by a %s',
    async (how) => {
      const { alice, bob } = await people()
      const roomId = await alice.createRoom({ preset: 'public_chat' })
      const own = await alice.createRoom({ preset: 'public_chat' })
      for (const id of [roomId, own]) await bob.join(id)
      await alice.post(`${roomPath(roomId)}/${how}`, { user_id: bob.userId })
      await bob.leave(own)
      const { leave } = (await bob.sync()).rooms
      expect(Object.keys(leave)).toEqual([roomId])
      expect(timelineOf(leave[roomId])).toContain('m.room.member')
      await bob.post(`${roomPath(roomId)}/forget`)
      expect((await bob.sync({ since: '' })).rooms).toBeUndefined()
    },
  )

  it.each(['kick', 'ban'])('shows a room up to a %s, and nothing of what came later', async (how) => {
    const { alice, bob } = await people()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await bob.sync()
    await alice.send(roomId, 'before')
    await alice.post(`${roomPath(roomId)}/${how}`, { user_id: bob.userId })
    await alice.send(roomId, 'after')
    const { leave, join } = (await bob.sync()).rooms
    expect(timelineOf(leave[roomId])).toEqual(['before', 'm.room.member'])
    expect(join).toBeUndefined()
    await alice.send(roomId, 'much later')
    expect((await bob.sync()).rooms).toBeUndefined()
  })

  it('shows archived rooms to who asks, as they were, until they are forgotten', async () => {
    const { alice, bob } = await people()
    const roomId = await alice.createRoom({ preset: 'public_chat', topic: 'old' })
    await bob.join(roomId)
    await bob.leave(roomId)
    await alice.sendState(roomId, 'm.room.topic', { topic: 'new' })
    expect((await bob.sync({ since: '' })).rooms).toBeUndefined()
    const room = (
      await bob.sync({ ...ARCHIVED, filter: JSON.stringify({ room: { include_leave: true, timeline: { limit: 1 } } }) })
    ).rooms.leave[roomId]
    expect(contentOf(room.state, 'm.room.topic')).toMatchObject({ topic: 'old' })
    expect(timelineOf(room)).toEqual(['m.room.member'])
    await bob.post(`${roomPath(roomId)}/forget`)
    expect((await bob.sync(ARCHIVED)).rooms).toBeUndefined()
  })

  it('gives a room that was left and joined again since the token as joined, whole', async () => {
    const { alice, bob } = await people()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await bob.sync()
    await bob.leave(roomId)
    await bob.join(roomId)
    const { join, leave } = (await bob.sync()).rooms
    expect(leave).toBeUndefined()
    expect(join[roomId].timeline.limited).toBe(true)
  })
})

describe('Ignored users', () => {
  const ignore = (user: { userId: string; put: (path: string, body: object) => Promise<unknown> }, whom: string) =>
    user.put(`/v3/user/${encodeURIComponent(user.userId)}/account_data/m.ignored_user_list`, {
      ignored_users: { [whom]: {} },
    })

  it('are not heard and cannot invite, but the state they set is shown', async () => {
    const { alice, bob } = await people()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await bob.sync()
    await ignore(bob, alice.userId)
    await alice.send(roomId, 'unheard')
    await alice.sendState(roomId, 'm.room.topic', { topic: 'shown' })
    const other = await alice.createRoom({ invite: [bob.userId] })
    const { rooms } = await bob.sync()
    expect(timelineOf(rooms.join[roomId])).toEqual(['m.room.topic'])
    expect(rooms.invite?.[other]).toBeUndefined()
  })
})

it('Who wants no invites gets none, and the sender is told', async () => {
  const { alice, bob } = await people()
  const path = `/v3/user/${encodeURIComponent(bob.userId)}/account_data/m.invite_permission_config`
  await bob.put(path, { default_action: 'block' })
  const roomId = await alice.createRoom()
  expect(await alice.request('POST', `${roomPath(roomId)}/invite`, { user_id: bob.userId })).toMatchObject({
    status: 403,
    body: { errcode: 'M_INVITE_BLOCKED' },
  })
  await bob.put(path, {})
  await alice.invite(roomId, bob.userId)
})
