import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const membersOf = (chunk: { state_key: string; content: { membership: string } }[]) =>
  chunk.map((event) => `${event.state_key} ${event.content.membership}`).sort()

it('gives all state events, the content of one, or one whole', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom({ name: 'Room', preset: 'public_chat' })
  const state = await alice.get(`${roomPath(roomId)}/state`)
  const types = state.map((event: { type: string }) => event.type)
  expect(types).toEqual(expect.arrayContaining(['m.room.create', 'm.room.member', 'm.room.name', 'm.room.join_rules']))
  for (const event of state) expect(event).toMatchObject({ room_id: roomId, state_key: expect.any(String) })
  expect(await alice.get(`${roomPath(roomId)}/state/m.room.name`)).toEqual({ name: 'Room' })
  expect(await alice.get(`${roomPath(roomId)}/state/m.room.name/`)).toEqual({ name: 'Room' })
  const member = await alice.get(`${roomPath(roomId)}/state/m.room.member/${alice.userId}?format=event`)
  expect(member).toMatchObject({ sender: alice.userId, room_id: roomId, content: { membership: 'join' } })
  const missing = await alice.request('GET', `${roomPath(roomId)}/state/m.room.topic`)
  expect([missing.status, missing.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
})

it('gives members as they are and as they were, by membership', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  const { start: beforeBob } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=1`)
  await bob.join(roomId)
  await alice.invite(roomId, carol.userId)
  await bob.leave(roomId)
  const members = async (query = '') => membersOf((await alice.get(`${roomPath(roomId)}/members?${query}`)).chunk)
  const [a, b, c] = [`${alice.userId} join`, `${bob.userId} leave`, `${carol.userId} invite`]
  expect(await members()).toEqual([a, b, c])
  expect(await members('membership=join')).toEqual([a])
  expect(await members('not_membership=leave')).toEqual([a, c])
  expect(await members('membership=leave&not_membership=join')).toEqual([b, c])
  expect(await members(`at=${beforeBob}`)).toEqual([a])
  const { end: creation } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=0&from=t0_0`)
  expect(await members(`at=${creation ?? 't0_0'}`)).toEqual([a])
})

it('lists the profiles of who is joined to who is joined', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const { joined } = await alice.get(`${roomPath(roomId)}/joined_members`)
  expect(Object.keys(joined).sort()).toEqual([alice.userId, bob.userId])
  expect(joined[alice.userId]).toEqual({ display_name: 'alice', avatar_url: null })
  await bob.leave(roomId)
  expect((await bob.request('GET', `${roomPath(roomId)}/joined_members`)).body.errcode).toBe('M_FORBIDDEN')
})

it('gives all of a state that goes out in pieces, and says how long it is', async () => {
  const { client } = await startServer()
  const users = await client.registerAll('alice', 'bob', 'carol')
  const [alice, ...others] = users
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  for (const user of others) await user.join(roomId)
  const long = (text: string) => `${text} 봉수 ${'x'.repeat(60_000)}`
  for (const user of users) {
    const content = { membership: 'join', displayname: long(user.userId) }
    await user.put(`${roomPath(roomId)}/state/m.room.member/${user.userId}`, content)
  }
  await alice.sendState(roomId, 'm.room.topic', { topic: long('topic') })
  const ask = async (what: string) => {
    const { headers, body } = await alice.request('GET', `${roomPath(roomId)}/${what}`)
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(JSON.stringify(body)))
    return body
  }
  const textsOf = (events: { content: { displayname?: string; topic?: string } }[]) =>
    events.flatMap(({ content }) => content.displayname ?? content.topic ?? [])
  const names = users.map(({ userId }) => long(userId))
  const state = textsOf(await ask('state'))
  expect(state.toSorted()).toEqual([...names, long('topic')].toSorted())
  expect(textsOf((await ask('initialSync')).state)).toEqual(state)
  expect(textsOf((await ask('members')).chunk)).toEqual(names)
  const { joined } = await ask('joined_members')
  expect(users.map(({ userId }) => joined[userId].display_name)).toEqual(names)
})
