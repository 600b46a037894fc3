import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const readable = {
  preset: 'public_chat',
  initial_state: [
    { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
  ],
}

it('gives everything about a room at once, to members and to who may look in', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ ...readable, visibility: 'public' })
  await alice.send(roomId, 'one')
  await alice.send(roomId, 'two')
  await alice.put(`/v3/user/${alice.userId}/rooms/${encodeURIComponent(roomId)}/account_data/org.example`, { a: 1 })
  const room = await alice.get(`${roomPath(roomId)}/initialSync`)
  expect(room).toMatchObject({ room_id: roomId, membership: 'join', visibility: 'public' })
  expect(room.messages.chunk.slice(-2)).toMatchObject([{ content: { body: 'one' } }, { content: { body: 'two' } }])
  expect(room.account_data).toEqual([{ type: 'org.example', content: { a: 1 } }])
  const peeked = await bob.get(`${roomPath(roomId)}/initialSync`)
  expect(peeked).not.toHaveProperty('membership')
  expect(peeked.account_data).toEqual([])
  const earlier = await bob.get(`${roomPath(roomId)}/messages?dir=b&from=${peeked.messages.start}`)
  expect(earlier.chunk.every((event: { type: string }) => event.type !== 'm.room.message')).toBe(true)
})

it('gives the rooms of a user, with invites, and those that were left if asked for', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const [joined, left, invited] = [await bob.createRoom(), await bob.createRoom(), await alice.createRoom()]
  await alice.invite(invited, bob.userId)
  await bob.leave(left)
  const memberships = async (query: string) => {
    const { rooms } = await bob.get(`/v3/initialSync?limit=1${query}`)
    return Object.fromEntries(
      rooms.map((room: { room_id: string; membership: string }) => [room.room_id, room.membership]),
    )
  }
  expect(await memberships('')).toEqual({ [joined]: 'join', [invited]: 'invite' })
  expect(await memberships('&archived=true')).toEqual({ [joined]: 'join', [invited]: 'invite', [left]: 'leave' })
  const { rooms } = await bob.get('/v3/initialSync')
  const invite = rooms.find((room: { room_id: string }) => room.room_id === invited).invite
  expect(invite).toMatchObject({ type: 'm.room.member', state_key: bob.userId, content: { membership: 'invite' } })
  const list = `/v3/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`
  await bob.put(list, { ignored_users: { [alice.userId]: {} } })
  expect(await memberships('')).toEqual({ [joined]: 'join' })
})

it('streams the events of a room to who looks in, waking them when there is one', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom(readable)
  const { messages } = await bob.get(`${roomPath(roomId)}/initialSync`)
  const room = `room_id=${encodeURIComponent(roomId)}`
  const waiting = bob.get(`/v3/events?${room}&from=${messages.end}&timeout=20000`)
  await alice.send(roomId, 'hello')
  const { chunk, end } = await waiting
  expect(chunk).toMatchObject([{ content: { body: 'hello' }, room_id: roomId }])
  const none = await bob.get(`/v3/events?${room}&from=${end}&timeout=0`)
  expect(none).toEqual({ start: end, end, chunk: [] })
})

it('does not wake who has left a room when something happens there', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  await bob.leave(roomId)
  const path = `/v3/events?room_id=${encodeURIComponent(roomId)}&timeout=20000`
  let isAnswered = false
  const answered = bob.get(path).then((answer) => {
    isAnswered = true
    return answer
  })
  await bob.get('/v3/events?timeout=0')
  const member = alice.get(path)
  await alice.send(roomId, 'secret')
  await member
  await bob.get('/v3/events?timeout=0')
  expect(isAnswered).toBe(false)
  await bob.createRoom()
  expect((await answered).chunk).toEqual([])
})

it('streams the events of all rooms of a user', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const [one, two] = [await alice.createRoom(), await alice.createRoom()]
  const { end } = await alice.get('/v3/initialSync')
  const foreign = await bob.createRoom()
  await bob.send(foreign, 'not for alice')
  await alice.send(one, 'first')
  await alice.send(two, 'second')
  const { chunk } = await alice.get(`/v3/events?from=${end}&timeout=0`)
  const bodies = chunk.map((event: { content: { body: string } }) => event.content.body)
  expect(bodies).toEqual(['first', 'second'])
  expect((await alice.request('GET', '/v3/events?from=nonsense')).body.errcode).toBe('M_INVALID_PARAM')
})
