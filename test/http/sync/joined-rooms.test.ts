import { describe, expect, it } from 'vitest'
import { Client, roomPath } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { filter, stateOf, timelineOf } from '../../support/sync.ts'

async function twoInARoom() {
  const { client, server } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'Office' })
  await bob.join(roomId)
  return { client, server, alice, bob, roomId }
}

describe('/sync of joined rooms', () => {
  it('gives a first sync the newest events and the state before them', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    for (let i = 0; i < 12; i++) await bob.send(roomId, `m${i}`)
    const room = (await alice.sync()).rooms.join[roomId]
    expect(timelineOf(room)).toEqual(['m2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11'])
    expect(room.timeline.limited).toBe(true)
    expect(stateOf(room.state)).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.name', `m.room.member/${bob.userId}`]),
    )
    expect(room.summary['m.joined_member_count']).toBe(2)
    // `prev_batch` leads to what came just before.
    const before = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=2&from=${room.timeline.prev_batch}`)
    expect(before.chunk.map((event: { content: { body: string } }) => event.content.body)).toEqual(['m1', 'm0'])
  })

  it('gives all of an answer that goes out in pieces, and says how long it is', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const other = await alice.createRoom({ invite: [bob.userId] })
    const texts = Array.from({ length: 10 }, (_, at) => `${at} ${'봉수'.repeat(5_000)}`)
    for (const room of [roomId, other]) for (const text of texts) await alice.send(room, text)
    const { headers, body } = await alice.request('GET', '/v3/sync')
    expect(Number(headers.get('content-length'))).toBeGreaterThan(600_000)
    for (const room of [roomId, other]) expect(timelineOf(body.rooms.join[room])).toEqual(texts)
    await bob.leave(roomId)
    const { join, invite } = (await bob.get('/v3/sync')).rooms
    expect([join, Object.keys(invite)]).toEqual([undefined, [other]])
  })

  it('gives all of the state of a room that goes out in pieces, and of one that was left', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const texts = Array.from({ length: 4 }, (_, at) => `${at} 봉수 ${'x'.repeat(60_000)}`)
    for (const text of texts) await alice.sendState(roomId, 'test.large', { text }, text.slice(0, 1))
    const shown = (room: { state: { events: { content: { text?: string } }[] } }) =>
      room.state.events.flatMap(({ content }) => content.text ?? []).toSorted()
    const params = filter({ room: { timeline: { limit: 1 }, include_leave: true } })
    await alice.send(roomId, 'last')
    expect(shown((await bob.sync(params)).rooms.join[roomId])).toEqual(texts)
    await bob.leave(roomId)
    expect(shown((await bob.sync({ ...params, since: '' })).rooms.leave[roomId])).toEqual(texts)
  })

  it('then gives what is new, once', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    await alice.sync()
    await bob.send(roomId, 'hello')
    const room = (await alice.sync()).rooms.join[roomId]
    expect(timelineOf(room)).toEqual(['hello'])
    expect(room.timeline.limited).toBe(false)
    expect(room.state.events).toEqual([])
    expect((await alice.sync()).rooms).toBeUndefined()
  })

  it('lets a hundred long polls of one user wait, and no more', async () => {
    const { client } = await startServer()
    const [alice, bob] = await client.registerAll('alice', 'bob')
    const { next_batch: since } = await alice.sync()
    const { next_batch: sinceOfBob } = await bob.sync()
    const query = (from: string) => new URLSearchParams({ since: from, timeout: '60000', set_presence: 'offline' })
    const answers: { rooms?: { join: object } }[] = []
    const polls = Array.from({ length: 102 }, async () => answers.push(await alice.get(`/v3/sync?${query(since)}`)))
    await expect.poll(() => answers.length).toBe(2)
    const other = bob.get(`/v3/sync?${query(sinceOfBob)}`)
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    await Promise.all(polls)
    expect(answers.slice(0, 2).map(({ rooms }) => rooms)).toEqual([undefined, undefined])
    for (const { rooms } of answers.slice(2)) expect(Object.keys(rooms?.join ?? {})).toEqual([roomId])
    expect(Object.keys((await other).rooms.invite)).toEqual([roomId])
  })

  it('wakes a long poll, and only of those concerned', async () => {
    const { client, server, alice, bob, roomId } = await twoInARoom()
    const carol = await client.register('carol')
    for (const user of [alice, carol]) await user.sync({ set_presence: 'offline' })
    const waiting = alice.sync({ timeout: '30000', set_presence: 'offline' })
    let carolWoke = false
    const idle = carol.sync({ timeout: '30000', set_presence: 'offline' }).then(() => {
      carolWoke = true
    })
    await bob.send(roomId, 'wake up')
    expect(timelineOf((await waiting).rooms.join[roomId])).toEqual(['wake up'])
    expect(carolWoke).toBe(false)
    // A server that ends answers those who wait.
    await server.close()
    await idle
  })

  it('says what happened in a gap: the state that changed, and that the timeline is limited', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    await alice.sync()
    await alice.sendState(roomId, 'm.room.topic', { topic: 'in the gap' })
    for (let i = 0; i < 5; i++) await bob.send(roomId, `m${i}`)
    const room = (await alice.sync(filter({ room: { timeline: { limit: 2 } } }))).rooms.join[roomId]
    expect(room.timeline.limited).toBe(true)
    expect(timelineOf(room)).toEqual(['m3', 'm4'])
    expect(stateOf(room.state)).toEqual(['m.room.topic'])
  })

  it('gives the state at the end of the timeline to who asks for state_after', async () => {
    const { alice, roomId } = await twoInARoom()
    await alice.sync()
    await alice.sendState(roomId, 'm.room.topic', { topic: 'new' })
    const params = { use_state_after: 'true' }
    const room = (await alice.sync(params)).rooms.join[roomId]
    expect(room.state).toBeUndefined()
    expect(stateOf(room.state_after)).toEqual(['m.room.topic'])
    const unstable = await alice.sync({ 'org.matrix.msc4222.use_state_after': 'true', full_state: 'true' })
    expect(stateOf(unstable.rooms.join[roomId]['org.matrix.msc4222.state_after'])).toContain('m.room.topic')
  })

  it('gives a room that was joined since the token as a whole', async () => {
    const { client, alice, roomId } = await twoInARoom()
    const carol = await client.register('carol')
    await carol.sync()
    await alice.send(roomId, 'before')
    await carol.join(roomId)
    const room = (await carol.sync(filter({ room: { timeline: { limit: 2 } } }))).rooms.join[roomId]
    expect(timelineOf(room)).toEqual(['before', 'm.room.member'])
    expect(room.timeline.limited).toBe(true)
    expect(stateOf(room.state)).toContain('m.room.create')
    expect(room.unread_notifications.notification_count).toBe(0)
    // A new name in the room does not make it new again.
    await carol.put(`/v3/profile/${encodeURIComponent(carol.userId)}/displayname`, { displayname: 'Caroline' })
    await expect.poll(async () => (await carol.sync()).rooms?.join[roomId]?.state.events).toEqual([])
  })

  it('tells the device that sent an event its transaction id, and no other', async () => {
    const { client, bob, roomId } = await twoInARoom()
    const phone = await client.login('bob')
    for (const device of [bob, phone]) await device.sync()
    await bob.send(roomId, 'mine')
    const unsigned = async (device: typeof bob) => (await device.sync()).rooms.join[roomId].timeline.events[0].unsigned
    expect((await unsigned(bob)).transaction_id).toBeDefined()
    const other = await unsigned(phone)
    expect(other.transaction_id).toBeUndefined()
    expect(other.membership).toBe('join')
  })

  it('names the members of a room without a name', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const bob = await client.register('bob')
    const roomId = await alice.createRoom({ preset: 'private_chat', invite: [bob.userId] })
    const summary = (await alice.sync()).rooms.join[roomId].summary
    expect(summary).toEqual({ 'm.heroes': [bob.userId], 'm.joined_member_count': 1, 'm.invited_member_count': 1 })
    await bob.join(roomId)
    expect((await alice.sync()).rooms.join[roomId].summary['m.joined_member_count']).toBe(2)
    await bob.send(roomId, 'hi')
    expect((await alice.sync()).rooms.join[roomId].summary).toBeUndefined()
  })

  it('answers a token from before a restored backup like a first sync, and refuses what is no token', async () => {
    const { alice, roomId } = await twoInARoom()
    const future = await alice.get('/v3/sync?since=s999999_0')
    expect(
      stateOf(future.rooms.join[roomId].state).length + future.rooms.join[roomId].timeline.events.length,
    ).toBeGreaterThan(5)
    expect(await alice.request('GET', '/v3/sync?since=nonsense')).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    })
  })
})

it('/sync goes on after a restart where it stood', async () => {
  const first = await startServer()
  const alice = await first.client.register('alice')
  const bob = await first.client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const { next_batch: since } = await alice.sync()
  await bob.send(roomId, 'before the restart')
  await bob.put(`${roomPath(roomId)}/typing/${encodeURIComponent(bob.userId)}`, { typing: true })
  await first.server.close()
  const second = await startServer({ directory: first.directory })
  const again = new Client(second.url, alice.accessToken)
  const answer = await again.get(`/v3/sync?since=${since}`)
  expect(timelineOf(answer.rooms.join[roomId])).toEqual(['before the restart'])
  expect(answer.rooms.join[roomId].unread_notifications.notification_count).toBe(1)
  expect(answer.rooms.join[roomId].ephemeral).toBeUndefined()
  expect((await again.get(`/v3/sync?since=${answer.next_batch}`)).rooms).toBeUndefined()
})
