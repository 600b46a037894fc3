import { pino } from 'pino'
import { expect, it } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { User } from '../support/client.ts'
import { inTime, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const encode = encodeURIComponent

/** The texts of the messages that a user sees in a room. */
async function messages(user: User, roomId: string): Promise<string[]> {
  const { chunk } = await user.get(`/v3/rooms/${encode(roomId)}/messages?dir=b&limit=100`)
  return chunk
    .filter((event: { type: string }) => event.type === 'm.room.message')
    .map((event: { content: { body: string } }) => event.content.body)
    .reverse()
}

const join = (user: User, roomId: string, via: string) =>
  user.post(`/v3/join/${encode(roomId)}?via=${via}&server_name=${via}`)

async function sharedRoom(config: Partial<ConfigInput> = {}) {
  const world = await World.create()
  const [one, two] = [await world.start('one.test', config), await world.start('two.test', config)]
  const alice = await one.client.register('alice')
  const bob = await two.client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await join(bob, roomId, 'one.test')
  return { world, one, two, alice, bob, roomId }
}

it('brings messages to the other server, and back', async () => {
  const { alice, bob, roomId } = await sharedRoom()
  await alice.send(roomId, 'hello')
  await expect.poll(() => messages(bob, roomId)).toEqual(['hello'])
  await bob.send(roomId, 'hello yourself')
  await expect.poll(() => messages(alice, roomId)).toEqual(['hello', 'hello yourself'])
})

it('catches up after an outage, however long, with nothing lost', async () => {
  const { world, two, alice, bob, roomId } = await sharedRoom()
  world.network.cut(two.address)
  const sent: string[] = []
  for (let i = 0; i < 70; i++) {
    sent.push(`message ${i}`)
    await alice.send(roomId, `message ${i}`)
    if (i % 10 === 0) world.clock.advance(20 * 60_000)
  }
  expect(await messages(bob, roomId)).toEqual([])
  world.network.mend(two.address)
  await bob.send(roomId, 'I am back')
  // Whoever is heard of is tried again within seconds, though the next try was hours away.
  await expect.poll(() => messages(alice, roomId)).toContain('I am back')
  world.clock.advance(5_000)
  await expect.poll(() => messages(bob, roomId), { timeout: 10_000 }).toEqual(expect.arrayContaining(sent))
}, 20_000)

it.each([
  ['that wants to see a client certificate', 400],
  ['that takes no bodies', 413],
])('loses nothing by a proxy in front of a server %s', async (_what, status) => {
  const world = await World.create()
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line) => lines.push(JSON.parse(line).msg) })
  const one = await world.start('one.test', {}, { log })
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { roomId } = peer.room
  await join(alice, roomId, 'peer.test')
  const { otherwise } = peer.fake
  let refused = 0
  peer.fake.otherwise = (got) => {
    if (!got.uri.includes('/send/')) return otherwise(got)
    refused++
    return { status, headers: { 'content-type': 'text/html' }, body: '<html><center>nginx</center></html>' }
  }
  const said = Array.from({ length: 10 }, (_, i) => `message ${i}`)
  for (const text of said) await alice.send(roomId, text)
  await until(
    async () => one.server.services.federationStatus('peer.test'),
    ([found]) => (found?.failures ?? 0) > 0,
  )
  world.clock.advance(60_000)
  const arrived: string[] = []
  const before = refused
  await until(
    async () => refused,
    (count) => count > before,
  )
  peer.fake.otherwise = (got) => {
    const { pdus = [] } = got.uri.includes('/send/') ? JSON.parse(got.body) : {}
    arrived.push(...pdus.map((pdu: { content: { body: string } }) => pdu.content.body))
    return otherwise(got)
  }
  await inTime(
    world,
    async () => arrived,
    (texts) => texts.includes('message 9'),
  )
  expect(arrived).toEqual(said)
  expect(lines).toEqual([])
})

it('goes on after a restart with what had not been sent', async () => {
  const { world, one, two, alice, bob, roomId } = await sharedRoom()
  world.network.cut(two.address)
  await alice.send(roomId, 'before the restart')
  const again = await one.restart()
  world.network.mend(two.address)
  world.clock.advance(3_600_000)
  await expect.poll(() => messages(bob, roomId), { timeout: 5_000 }).toEqual(['before the restart'])
  await again.close()
})

it('is not taken for its own past after a restart, even if the clock has not moved', async () => {
  const { one, alice, bob, roomId } = await sharedRoom()
  await alice.send(roomId, 'before')
  await expect.poll(() => messages(bob, roomId)).toEqual(['before'])
  const again = await one.restart()
  await (await again.client.login('alice')).send(roomId, 'after')
  await expect.poll(() => messages(bob, roomId)).toEqual(['before', 'after'])
})

it('tells a server that its last user was kicked, and then no more', async () => {
  const { world, two, alice, bob, roomId } = await sharedRoom()
  const carol = await two.client.register('carol')
  await alice.send(roomId, 'while he is here')
  await alice.post(`/v3/rooms/${encode(roomId)}/kick`, { user_id: bob.userId })
  await alice.send(roomId, 'when he is gone')
  const joined = async () => (await bob.get('/v3/joined_rooms')).joined_rooms
  await expect.poll(joined).toEqual([])
  const attempts = world.network.attempts.length
  await alice.send(roomId, 'for nobody else')
  await join(carol, roomId, 'one.test')
  await alice.send(roomId, 'for carol')
  await expect.poll(() => messages(carol, roomId)).toContain('for carol')
  expect(await messages(bob, roomId)).toEqual(['while he is here'])
  expect(world.network.attempts.length).toBeGreaterThanOrEqual(attempts)
})

it('tells a server that an invite of its user has been taken back', async () => {
  const { two, alice, roomId } = await sharedRoom()
  const carol = await two.client.register('carol')
  const invited = async () => Object.keys((await carol.sync()).rooms?.invite ?? {})
  await alice.invite(roomId, carol.userId)
  await expect.poll(invited).toEqual([roomId])
  await alice.post(`/v3/rooms/${encode(roomId)}/kick`, { user_id: carol.userId })
  await expect.poll(async () => Object.keys((await carol.sync()).rooms?.leave ?? {})).toEqual([roomId])
})

it('brings what one user of a server writes to all others', async () => {
  const { world, alice, bob, roomId } = await sharedRoom()
  const three = await world.start('three.test')
  const carol = await three.client.register('carol')
  await join(carol, roomId, 'two.test')
  await carol.send(roomId, 'three is here')
  await alice.send(roomId, 'welcome')
  for (const user of [alice, bob, carol]) {
    await expect.poll(async () => (await messages(user, roomId)).sort()).toEqual(['three is here', 'welcome'])
  }
})

it('says who is typing, and who has read what', async () => {
  const { alice, bob, roomId } = await sharedRoom()
  const eventId = await alice.send(roomId, 'read this')
  await expect.poll(() => messages(bob, roomId)).toEqual(['read this'])
  const ephemeral = async () => {
    const { rooms } = await alice.sync()
    return rooms?.join?.[roomId]?.ephemeral?.events ?? []
  }
  await bob.put(`/v3/rooms/${encode(roomId)}/typing/${bob.userId}`, { typing: true, timeout: 30_000 })
  await expect.poll(ephemeral).toContainEqual({ type: 'm.typing', content: { user_ids: [bob.userId] } })
  await bob.post(`/v3/rooms/${encode(roomId)}/receipt/m.read/${encode(eventId)}`)
  await expect.poll(ephemeral).toContainEqual(
    expect.objectContaining({
      type: 'm.receipt',
      content: { [eventId]: { 'm.read': { [bob.userId]: expect.anything() } } },
    }),
  )
  await bob.post(`/v3/rooms/${encode(roomId)}/receipt/m.read.private/${encode(eventId)}`)
  expect(JSON.stringify(await ephemeral())).not.toContain('private')
})

it('keeps presence to itself unless it is told otherwise', async () => {
  const { alice, bob, roomId } = await sharedRoom()
  await bob.put(`/v3/presence/${bob.userId}/status`, { presence: 'online', status_msg: 'busy' })
  await bob.send(roomId, 'hello')
  await expect.poll(() => messages(alice, roomId)).toEqual(['hello'])
  expect(JSON.stringify((await alice.sync()).presence ?? {})).not.toContain('busy')
})

it('tells who is there where both sides are told to', async () => {
  const { alice, bob } = await sharedRoom({ federation: { mode: 'open', presence: true } })
  let count = 0
  const seen = async () => {
    // Presence passes: what a transaction that failed had of it is not sent again.
    await bob.put(`/v3/presence/${bob.userId}/status`, { presence: 'online', status_msg: `busy ${++count}` })
    return JSON.stringify((await alice.sync()).presence ?? {})
  }
  await expect.poll(seen, { timeout: 5_000 }).toContain('busy')
})

it('says in its metrics and its status what is behind', async () => {
  const { world, one, two, alice, roomId } = await sharedRoom()
  world.network.cut(two.address)
  await alice.send(roomId, 'too late')
  await expect
    .poll(async () => (await one.server.services.federationStatus('two.test'))[0])
    .toMatchObject({
      server: 'two.test',
      isFailing: true,
      waitingEvents: 1,
      failures: 1,
      lastError: expect.any(String),
    })
})
