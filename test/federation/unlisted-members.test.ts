import { pino } from 'pino'
import { expect, it } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { roomPath, type User } from '../support/client.ts'
import { joinVia, membershipBecomes, membershipOf, seen, textsOf, until } from '../support/federated.ts'
import { type Federated, World } from '../support/servers.ts'

type Federation = NonNullable<ConfigInput['federation']>

interface Three {
  readonly world: World
  readonly one: Federated
  readonly two: Federated
  readonly alice: User
  readonly bob: User
  readonly carol: User
  readonly warnings: string[]
  readonly federation: Federation
}

/** one.test knows two.test only; two.test and three.test know everybody. alice, bob and carol are one on each. */
async function three(policy: Partial<Federation> = {}): Promise<Three> {
  const world = await World.create()
  const warnings: string[] = []
  const log = pino({ level: 'warn' }, { write: (line) => warnings.push(JSON.parse(line).msg) })
  const federation: Federation = { mode: 'list', servers: [{ name: 'two.test' }], ...policy }
  const one = await world.start('one.test', { federation }, { log })
  const [two, other] = [await world.start('two.test'), await world.start('three.test')]
  const [alice, bob, carol] = [
    await one.client.register('alice'),
    await two.client.register('bob'),
    await other.client.register('carol'),
  ]
  return { world, one, two, alice, bob, carol, warnings, federation }
}

const ALICE = '@alice:one.test'
const open = { preset: 'public_chat', room_version: '11' }
const join = (user: User, roomId: string) =>
  user.request('POST', `/v3/join/${encodeURIComponent(roomId)}?via=two.test&via=three.test`)
const says = (user: User, roomId: string, body: string) =>
  user.request('PUT', `${roomPath(roomId)}/send/m.room.message/${body}`, { msgtype: 'm.text', body })

it('close a room: our users cannot join it, also when they are invited', async () => {
  const { alice, bob, carol, one } = await three()
  const roomId = await bob.createRoom(open)
  await joinVia(carol, roomId, 'two.test')
  expect(await join(alice, roomId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
  await membershipBecomes(bob, roomId, ALICE, 'leave')
  await bob.post(`${roomPath(roomId)}/invite`, { user_id: ALICE })
  expect((await join(alice, roomId)).status).toBe(403)
  const other = await one.client.register('amy')
  expect((await join(other, roomId)).status).toBe(403)
  expect(await alice.get('/v3/joined_rooms')).toEqual({ joined_rooms: [] })
})

it('are no obstacle once they have left', async () => {
  const { alice, bob, carol } = await three()
  const roomId = await bob.createRoom(open)
  await joinVia(carol, roomId, 'two.test')
  await carol.post(`${roomPath(roomId)}/leave`)
  await membershipBecomes(bob, roomId, '@carol:three.test', 'leave')
  expect((await join(alice, roomId)).status).toBe(200)
})

it('freeze a room into which another server lets them, until they are listed', async () => {
  const { alice, bob, carol, one, warnings, federation } = await three()
  const roomId = await bob.createRoom(open)
  await joinVia(alice, roomId, 'two.test')
  await joinVia(carol, roomId, 'two.test')
  await until(
    async () => (await says(alice, roomId, 'hello')).status,
    (status) => status === 403,
  )
  expect(warnings.filter((text) => text.includes('frozen'))).toHaveLength(1)
  await says(bob, roomId, 'secret')
  await seen(carol, roomId, 'secret')
  expect(await textsOf(alice, roomId)).not.toContain('secret')
  expect((await alice.request('POST', `${roomPath(roomId)}/invite`, { user_id: '@bea:two.test' })).status).toBe(403)
  expect((await join(await one.client.register('amy'), roomId)).status).toBe(403)

  const again = await one.restart()
  const alice2 = alice.at(again)
  expect((await says(alice2, roomId, 'still')).status).toBe(403)
  federation.servers = [{ name: 'two.test' }, { name: 'three.test' }]
  const third = await again.restart()
  const alice3 = alice.at(third)
  expect((await says(alice3, roomId, 'back')).status).toBe(200)
  await seen(bob, roomId, 'back')
  expect((await says(bob, roomId, 'welcome')).status).toBe(200)
  await seen(alice3, roomId, 'welcome')
})

it('learn nothing of who types and reads in a frozen room, and neither do our users of the others', async () => {
  const { alice, bob, carol } = await three()
  const roomId = await bob.createRoom(open)
  await joinVia(alice, roomId, 'two.test')
  await says(alice, roomId, 'before')
  await seen(bob, roomId, 'before')
  await joinVia(carol, roomId, 'two.test')
  await until(
    async () => (await says(alice, roomId, 'hello')).status,
    (status) => status === 403,
  )
  const other = await bob.createRoom(open)
  await joinVia(alice, other, 'two.test')
  const events = async (user: User, id: string) => {
    const { rooms } = await user.get('/v3/sync')
    return rooms.join[id].ephemeral.events.flatMap(({ content }: { content: object }) => JSON.stringify(content))
  }
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const { body } = await from.request('GET', `${roomPath(roomId)}/messages?dir=b&limit=1`)
    for (const id of [roomId, other]) {
      if (id === roomId) await from.post(`${roomPath(id)}/receipt/m.read/${body.chunk[0].event_id}`, {})
      await from.put(`${roomPath(id)}/typing/${from.userId}`, { typing: true })
    }
    // The one in the other room, sent later, has come.
    await until(
      () => events(to, other),
      (contents) => contents.join().includes(from.userId),
    )
    expect((await events(to, roomId)).join()).not.toContain(from.userId)
  }
})

it('are noticed in a state that is taken over at a gap, before they say anything', async () => {
  const { world, one, two, alice, bob, carol, warnings } = await three()
  const roomId = await bob.createRoom(open)
  await joinVia(alice, roomId, 'two.test')
  world.network.cut(one.address)
  await joinVia(carol, roomId, 'two.test')
  // More than is fetched one after the other.
  await Promise.all(Array.from({ length: 210 }, (_, n) => says(bob, roomId, `m${n}`)))
  for (let tries = 0; tries < 3; tries++) {
    // Longer than an hour: only the newest event is kept for a server that is away.
    await until(
      () => two.server.services.federationStatus('one.test'),
      ([status]) => (status?.failures ?? 0) > tries,
    )
    world.clock.advance(7_200_000)
  }
  world.network.mend(one.address)
  world.clock.advance(7_200_000)
  await until(
    async () => warnings,
    (texts) => texts.some((text) => text.includes('frozen')),
  )
  // It is said just before it is done.
  await until(
    async () => (await says(alice, roomId, 'hello')).status,
    (status) => status === 403,
  )
})

it('may be left behind in a frozen room', async () => {
  const { world, alice, bob, carol } = await three()
  const roomId = await bob.createRoom(open)
  await joinVia(alice, roomId, 'two.test')
  // Of the join and the leave, which conflict once carol's join has made a fork, the later one wins.
  world.clock.advance(1_000)
  await joinVia(carol, roomId, 'two.test')
  await until(
    async () => (await says(alice, roomId, 'hello')).status,
    (status) => status === 403,
  )
  await alice.post(`${roomPath(roomId)}/leave`)
  await membershipBecomes(bob, roomId, ALICE, 'leave')
  expect((await join(alice, roomId)).status).toBe(403)
})

it('make our users leave, where the configuration says so', async () => {
  const { world, alice, bob, carol, warnings } = await three({ unlisted_arrivals: 'leave' })
  const roomId = await bob.createRoom(open)
  await joinVia(alice, roomId, 'two.test')
  world.clock.advance(1_000)
  await joinVia(carol, roomId, 'two.test')
  await membershipBecomes(bob, roomId, ALICE, 'leave')
  expect(await membershipOf(alice, roomId, ALICE)).toBe('leave')
  expect(warnings.filter((text) => text.includes('our users leave it'))).toHaveLength(1)
})

it('are found in the rooms that are there, when a server is listed no more', async () => {
  const { alice, bob, carol, one, federation } = await three({ servers: [{ name: '*.test' }] })
  const roomId = await bob.createRoom(open)
  await joinVia(carol, roomId, 'two.test')
  await joinVia(alice, roomId, 'two.test')
  expect((await says(alice, roomId, 'hello')).status).toBe(200)
  federation.servers = [{ name: 'two.test' }]
  const again = await one.restart()
  expect((await says(alice.at(again), roomId, 'hello?')).status).toBe(403)
})

it('are in rooms with our users, where the configuration allows it', async () => {
  const { alice, bob, carol, one, world } = await three({ unlisted_members: 'allow' })
  const roomId = await bob.createRoom(open)
  await joinVia(carol, roomId, 'two.test')
  await joinVia(alice, roomId, 'two.test')
  await says(carol, roomId, 'from a stranger')
  await seen(bob, roomId, 'from a stranger')
  await says(bob, roomId, 'hello')
  await seen(alice, roomId, 'hello')
  await seen(alice, roomId, 'from a stranger')
  // All the same nothing but its keys is asked of the stranger.
  expect((await alice.request('GET', '/v3/profile/@carol:three.test')).status).toBe(403)
  expect(one.name).toBe('one.test')
  expect(world.network.lookups).toContain('three.test')
})
