import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Client, roomPath, type User } from '../../support/client.ts'
import { openServer, startServer } from '../../support/server.ts'
import { contentOf } from '../../support/sync.ts'

async function twoInARoom() {
  const { client, clock } = await startServer()
  return { client, clock, ...(await inARoom(client)) }
}

async function inARoom(client: Client) {
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  for (const user of [alice, bob]) await user.sync()
  return { alice, bob, roomId }
}

const type = (user: User, roomId: string, body: object) =>
  user.put(`${roomPath(roomId)}/typing/${encodeURIComponent(user.userId)}`, body)

const read = (user: User, roomId: string, eventId: string, receipt = 'm.read', body: object = {}) =>
  user.post(`${roomPath(roomId)}/receipt/${receipt}/${encodeURIComponent(eventId)}`, body)

const ephemeral = async (user: User, roomId: string) => (await user.sync()).rooms?.join[roomId]?.ephemeral

describe('Typing', () => {
  it('is shown to the room, once, and ends by itself', async () => {
    const { clock, alice, bob, roomId } = await twoInARoom()
    await type(alice, roomId, { typing: true, timeout: 5_000 })
    expect(contentOf(await ephemeral(bob, roomId), 'm.typing')).toEqual({ user_ids: [alice.userId] })
    expect(await ephemeral(bob, roomId)).toBeUndefined()
    const waiting = bob.sync({ timeout: '30000' })
    clock.advance(5_001)
    expect(contentOf((await waiting).rooms.join[roomId].ephemeral, 'm.typing')).toEqual({ user_ids: [] })
  })

  it('can be ended, and ends when one leaves', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    await type(alice, roomId, { typing: true })
    await type(alice, roomId, { typing: false })
    expect(contentOf(await ephemeral(bob, roomId), 'm.typing')).toEqual({ user_ids: [] })
    await type(bob, roomId, { typing: true })
    await bob.leave(roomId)
    expect(contentOf(await ephemeral(alice, roomId), 'm.typing')).toEqual({ user_ids: [] })
  })

  it('is refused as another user and in rooms of others', async () => {
    const { client, alice, bob, roomId } = await twoInARoom()
    const carol = await client.register('carol')
    const path = `${roomPath(roomId)}/typing/`
    for (const [user, whom] of [
      [bob, alice],
      [carol, carol],
    ] as const) {
      const answer = await user.request('PUT', path + encodeURIComponent(whom.userId), { typing: true })
      expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    }
  })
})

describe('Receipts', () => {
  it('are shown to the room, those that are private to nobody else', async () => {
    const { client, alice, bob, roomId } = await twoInARoom()
    const eventId = await alice.send(roomId, 'read me')
    for (const user of [alice, bob]) await user.sync()
    await read(bob, roomId, eventId, 'm.read.private')
    expect(await ephemeral(alice, roomId)).toBeUndefined()
    const own = contentOf(await ephemeral(bob, roomId), 'm.receipt')
    expect(Object.keys(own[eventId]['m.read.private'])).toEqual([bob.userId])
    await read(bob, roomId, eventId)
    const shown = contentOf(await ephemeral(alice, roomId), 'm.receipt')
    expect(shown).toEqual({ [eventId]: { 'm.read': { [bob.userId]: { ts: expect.any(Number) } } } })
    // A first sync has them too.
    const tablet = await client.login('alice')
    expect(contentOf(await ephemeral(tablet, roomId), 'm.receipt')).toEqual(shown)
  })

  it('never move back', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const [first, second] = [await alice.send(roomId, '1'), await alice.send(roomId, '2')]
    await read(bob, roomId, second)
    await read(bob, roomId, first)
    const shown = contentOf((await alice.sync({ since: '' })).rooms.join[roomId].ephemeral, 'm.receipt')
    expect(Object.keys(shown)).toEqual([second])
  })

  it('of one user at one event show the one without a thread (MSC4102)', async () => {
    const { alice, bob, roomId } = await twoInARoom()
    const eventId = await alice.send(roomId, 'x')
    await read(bob, roomId, eventId)
    await read(bob, roomId, eventId, 'm.read', { thread_id: 'main' })
    const shown = contentOf((await alice.sync()).rooms.join[roomId].ephemeral, 'm.receipt')
    expect(shown[eventId]['m.read'][bob.userId].thread_id).toBeUndefined()
  })

  it('are refused for events of other rooms, strange types and empty threads', async () => {
    const { alice, roomId } = await twoInARoom()
    const other = await alice.createRoom()
    const elsewhere = await alice.send(other, 'elsewhere')
    const post = (receipt: string, eventId: string, body: object = {}) =>
      alice.request('POST', `${roomPath(roomId)}/receipt/${receipt}/${encodeURIComponent(eventId)}`, body)
    expect((await post('m.read', elsewhere)).status).toBe(404)
    expect((await post('m.unheard', elsewhere)).status).toBe(400)
    expect((await post('m.read', elsewhere, { thread_id: '' })).body.errcode).toBe('M_INVALID_PARAM')
    const here = await alice.send(roomId, 'here')
    expect((await post('m.fully_read', here, { thread_id: 'main' })).status).toBe(400)
  })

  it('and the fully read marker are set together by read_markers', async () => {
    const { alice, roomId } = await twoInARoom()
    const eventId = await alice.send(roomId, 'x')
    await alice.sync()
    await alice.post(`${roomPath(roomId)}/read_markers`, { 'm.fully_read': eventId, 'm.read': eventId })
    const room = (await alice.sync()).rooms.join[roomId]
    expect(contentOf(room.account_data, 'm.fully_read')).toEqual({ event_id: eventId })
    expect(contentOf(room.ephemeral, 'm.receipt')[eventId]['m.read']).toBeDefined()
  })

  it('and the fully read marker go back for no client that lags', async () => {
    const { alice, roomId } = await twoInARoom()
    const [first, second] = [await alice.send(roomId, 'one'), await alice.send(roomId, 'two')]
    const mark = (eventId: string) =>
      alice.post(`${roomPath(roomId)}/read_markers`, { 'm.fully_read': eventId, 'm.read': eventId })
    await mark(first)
    await mark(second)
    expect(contentOf((await alice.sync()).rooms.join[roomId].account_data, 'm.fully_read').event_id).toBe(second)
    await mark(first)
    expect((await alice.sync()).rooms?.join?.[roomId]).toBeUndefined()
  })
})

describe('Presence', () => {
  const status = (user: User) => `/v3/presence/${encodeURIComponent(user.userId)}/status`
  const presenceOf = (answer: { presence?: { events: { sender: string; content: object }[] } }, user: User) =>
    answer.presence?.events.find((event) => event.sender === user.userId)?.content

  it('is shown to those who share a room, when it changes', async () => {
    const { alice, bob } = await twoInARoom()
    await alice.put(status(alice), { presence: 'unavailable', status_msg: '회의 중' })
    expect(presenceOf(await bob.sync(), alice)).toMatchObject({ presence: 'unavailable', status_msg: '회의 중' })
    expect(presenceOf(await bob.sync(), alice)).toBeUndefined()
    expect(await bob.get(status(alice))).toMatchObject({ presence: 'unavailable' })
  })

  it('is hidden from those who share none, and nobody sets that of others', async () => {
    const { client, alice } = await twoInARoom()
    const carol = await client.register('carol')
    await carol.sync()
    expect(await carol.request('GET', status(alice))).toMatchObject({ status: 403 })
    expect(await carol.request('PUT', status(alice), { presence: 'online' })).toMatchObject({ status: 403 })
    await alice.put(status(alice), { presence: 'unavailable' })
    expect((await carol.sync()).presence).toBeUndefined()
  })

  it('is told as it is by now to those who were away, of each user once', async () => {
    const { client, alice, bob, roomId } = await twoInARoom()
    const [carol, stranger] = [await client.register('carol'), await client.register('stranger')]
    await carol.join(roomId)
    await bob.sync()
    for (const user of [carol, stranger, alice, carol]) await user.put(status(user), { presence: 'unavailable' })
    await carol.put(status(carol), { presence: 'online', status_msg: '자리에 있음' })
    const answer = await bob.sync()
    expect(answer.presence.events.map(({ sender }: { sender: string }) => sender).sort()).toEqual(
      [alice.userId, carol.userId].sort(),
    )
    expect(presenceOf(answer, carol)).toMatchObject({ presence: 'online', status_msg: '자리에 있음' })
    expect((await bob.sync()).presence).toBeUndefined()
  })

  it('comes to all who are there, however many come at once', async () => {
    const { client, clock, bob, roomId } = await twoInARoom()
    const many = await Promise.all(Array.from({ length: 15 }, (_, i) => client.register(`many${i}`)))
    for (const user of many) await user.join(roomId)
    await bob.sync()
    await Promise.all(many.map((user) => user.sync()))
    const seen = new Set<string>()
    clock.advance(1_000)
    await expect
      .poll(async () => {
        for (const { sender } of (await bob.sync()).presence?.events ?? []) seen.add(sender)
        return many.filter((user) => !seen.has(user.userId)).length
      })
      .toBe(0)
  })

  it('ends when a client has gone, and comes with a new member', async () => {
    const { client, clock, alice, bob, roomId } = await twoInARoom()
    const carol = await client.register('carol')
    await carol.sync()
    await bob.sync()
    await carol.join(roomId)
    expect(presenceOf(await bob.sync(), carol)).toMatchObject({ presence: 'online' })
    expect(presenceOf(await carol.sync(), alice)).toMatchObject({ presence: 'online' })
    const waiting = bob.sync({ timeout: '60000' })
    // Bob waits and stays; the others have not been heard of.
    await expect.poll(() => clock.sleeping).toBeGreaterThan(0)
    clock.advance(60_000)
    expect(presenceOf(await waiting, carol)).toMatchObject({ presence: 'offline' })
  })

  it('is known after a restart: of those who had gone, and of those who do not come back', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bongsu-test-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const before = await openServer({ directory })
    const { alice, bob, roomId } = await inARoom(before.client)
    const [carol, stranger] = [await before.client.register('carol'), await before.client.register('stranger')]
    await carol.join(roomId)
    await bob.sync()
    for (const user of [carol, stranger]) await user.put(status(user), { presence: 'online' })
    for (const user of [carol, stranger, alice]) await user.put(status(user), { presence: 'offline' })
    await carol.put(status(carol), { presence: 'unavailable', status_msg: '회의 중' })
    await before.close()

    const after = await startServer({ directory, clock: before.clock })
    const reader = bob.at(after)
    const answer = await reader.sync({ set_presence: 'offline' })
    expect(answer.presence.events.map(({ sender }: { sender: string }) => sender).sort()).toEqual(
      [alice.userId, carol.userId].sort(),
    )
    expect(presenceOf(answer, alice)).toEqual({ presence: 'offline', last_active_ago: expect.any(Number) })
    expect(presenceOf(answer, carol)).toMatchObject({ presence: 'unavailable', status_msg: '회의 중' })
    expect(await reader.get(status(alice))).toMatchObject({ presence: 'offline', last_active_ago: expect.any(Number) })
    // A first sync shows the same.
    const { presence } = await reader.get('/v3/sync?timeout=0&set_presence=offline')
    expect(presenceOf({ presence }, alice)).toMatchObject({ presence: 'offline' })
    expect(presenceOf({ presence }, carol)).toMatchObject({ presence: 'unavailable' })
    await alice.at(after).sync({ set_presence: 'unavailable' })
    expect(presenceOf(await reader.sync({ set_presence: 'offline' }), alice)).toEqual({
      presence: 'unavailable',
      last_active_ago: expect.any(Number),
    })
    after.clock.advance(60_000)
    await expect
      .poll(async () => presenceOf(await reader.sync({ set_presence: 'offline' }), carol))
      .toMatchObject({ presence: 'offline' })
  })
})
