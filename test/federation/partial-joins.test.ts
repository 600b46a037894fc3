import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { roomPath, type User } from '../support/client.ts'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, membershipBecomes, pair, seen, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import type { EventDraft } from '../support/room-builder.ts'
import { type Federated, World } from '../support/servers.ts'
import { SlidingClient, stateOf } from '../support/sliding.ts'
import { filter, timelineOf } from '../support/sync.ts'

const LAZY = filter({ room: { state: { lazy_load_members: true }, timeline: { lazy_load_members: true } } })
const STATE_IDS = '/_matrix/federation/v1/state_ids/'

/** A room of a peer with these members of its server; it tells its members when `tell` is called. */
async function partialRoom({ members = ['dan', 'eve'], servers = [] as string[] } = {}) {
  const world = await World.create()
  const two = await world.start('two.test')
  const bob = await two.client.register('bob')
  const peer = await Peer.start(world)
  peer.omits = { servers }
  const { room, fake, creator } = peer
  const levels = { users: { [creator]: 100, '@mod:peer.test': 50, '@boss:peer.test': 100 } }
  room.state('m.room.power_levels', creator, levels)
  room.state('m.room.name', creator, { name: 'the works' })
  for (const name of members) room.join(`@${name}:peer.test`)
  const gate = Promise.withResolvers<void>()
  fake.answers.set(`GET ${STATE_IDS}${encodeURIComponent(room.roomId)}`, async (got) => {
    await gate.promise
    return fake.otherwise(got)
  })
  return { world, two, bob, peer, room, roomId: room.roomId, tell: () => gate.resolve() }
}

const joinedIn = async (user: User, roomId: string): Promise<string[]> =>
  Object.keys((await user.get(`${roomPath(roomId)}/joined_members`)).joined).sort()

const isWhole = (user: User, roomId: string) => joinedIn(user, roomId)

const eventStatus = async (user: User, roomId: string, eventId: string): Promise<number> =>
  (await user.request('GET', `${roomPath(roomId)}/event/${encodeURIComponent(eventId)}`)).status

describe('a room that is joined without its members', () => {
  it('is there at once for who loads members lazily, and for others when all are known', async () => {
    const { bob, roomId, tell } = await partialRoom()
    await bob.sync()
    await joinVia(bob, roomId, 'peer.test')
    expect((await bob.sync()).rooms?.join?.[roomId]).toBeUndefined()
    const lazy = await bob.get(`/v3/sync?${new URLSearchParams(LAZY)}`)
    expect(timelineOf(lazy.rooms.join[roomId])).toEqual(['m.room.member'])
    const eager = bob.sync({ timeout: '10000' })
    tell()
    const { rooms } = await eager
    const state = rooms.join[roomId].state.events as { type: string; state_key: string }[]
    const members = state.filter(({ type }) => type === 'm.room.member').map((event) => event.state_key)
    expect(members.sort()).toEqual(['@carol:peer.test', '@dan:peer.test', '@eve:peer.test'])
    expect(rooms.join[roomId].summary['m.joined_member_count']).toBe(4)
  })

  it('is told in sliding sync as it is once all members are known', async () => {
    const { bob, peer, room, roomId, tell } = await partialRoom()
    room.state('m.room.name', peer.creator, { name: '' })
    const connection = (conn_id: string, ...required_state: string[][]) =>
      new SlidingClient(bob, { conn_id, lists: { all: { timeline_limit: 1, required_state } } })
    const lazy = connection('lazy', ['m.room.member', '$LAZY'])
    const eager = connection('eager', ['m.room.member', '*'])
    await joinVia(bob, roomId, 'peer.test')
    for (const one of [lazy, eager]) expect((await one.sync()).rooms[roomId].joined_count).toBe(1)
    const waiting = lazy.sync({}, 10_000)
    tell()
    const told = (await waiting).rooms[roomId]
    expect(told).toMatchObject({ joined_count: 4, heroes: [{}, {}, {}] })
    expect(told.initial).toBeUndefined()
    const members = ['@bob:two.test', '@carol:peer.test', '@dan:peer.test', '@eve:peer.test']
    expect(stateOf((await eager.sync()).rooms[roomId])).toEqual(members.map((userId) => `m.room.member/${userId}`))
    for (const one of [lazy, eager]) expect((await one.sync()).rooms).toEqual({})
  })

  it('tells its members once it knows them', async () => {
    const { bob, roomId, tell } = await partialRoom()
    await joinVia(bob, roomId, 'peer.test')
    const answers = Promise.all([
      joinedIn(bob, roomId),
      bob.get(`${roomPath(roomId)}/members`),
      bob.get(`${roomPath(roomId)}/state`),
      bob.get(`${roomPath(roomId)}/state/m.room.member/@dan:peer.test`),
    ])
    expect(await bob.get(`${roomPath(roomId)}/state/m.room.name/`)).toEqual({ name: 'the works' })
    tell()
    const [joined, members, state, dan] = await answers
    expect(joined).toHaveLength(4)
    expect(members.chunk).toHaveLength(4)
    expect(state.filter(({ type }: { type: string }) => type === 'm.room.member')).toHaveLength(4)
    expect(dan.membership).toBe('join')
  })

  it('takes and sends messages meanwhile, to all servers that are said to be in it', async () => {
    const world = await partialRoom({ servers: ['far.test'] })
    const { bob, two, peer, room, roomId, tell } = world
    const far = await FakeServer.start(world.world, 'far.test')
    far.otherwise = () => ({ body: { pdus: {} } })
    await joinVia(bob, roomId, 'peer.test')
    await bob.send(roomId, 'hello all')
    const sentTo = (fake: FakeServer) =>
      fake.got.some(({ uri, body }) => uri.includes('/send/') && body.includes('hello all'))
    await until(async () => sentTo(far) && sentTo(peer.fake), Boolean)
    await peer.send(two, peer.pdus([room.message('@dan:peer.test')]))
    const { rooms } = await until(
      () => bob.get(`/v3/sync?${new URLSearchParams(LAZY)}`),
      ({ rooms }) => timelineOf(rooms.join[roomId]).includes('hello'),
    )
    const shown = rooms.join[roomId].state.events.map((event: { state_key: string }) => event.state_key)
    expect(shown).toContain('@dan:peer.test')
    tell()
    expect(await joinedIn(bob, roomId)).toHaveLength(4)
    // Nobody of that server is in the room.
    await bob.send(roomId, 'hello few')
    await until(async () => peer.fake.got.some(({ body }) => body.includes('hello few')), Boolean)
    expect(far.got.some(({ body }) => body.includes('hello few'))).toBe(false)
  })

  it('has its members whose devices changed meanwhile told of when they are known', async () => {
    const { bob, two, peer, roomId, tell } = await partialRoom()
    await joinVia(bob, roomId, 'peer.test')
    await bob.get(`/v3/sync?${new URLSearchParams(LAZY)}`)
    const updateOf = (name: string) => ({
      edu_type: 'm.device_list_update',
      content: { user_id: `@${name}:peer.test`, device_id: 'D', stream_id: 2, prev_id: [1] },
    })
    await peer.send(two, [], { edus: [updateOf('dan'), updateOf('nobody')] })
    const { next_batch: since } = await bob.get(`/v3/sync?${new URLSearchParams(LAZY)}`)
    tell()
    const { device_lists } = await until(
      () => bob.get(`/v3/sync?${new URLSearchParams({ ...LAZY, since })}`),
      (answer) => answer.device_lists !== undefined,
    )
    expect(device_lists.changed).toEqual(['@dan:peer.test'])
  })

  it('shows who of its members has read what, also of what is not here', async () => {
    const { bob, two, peer, room, roomId } = await partialRoom()
    const before = room.message('@dan:peer.test')
    await joinVia(bob, roomId, 'peer.test')
    const receiptAt = (eventId: string) => ({
      edu_type: 'm.receipt',
      content: { [roomId]: { 'm.read': { '@dan:peer.test': { event_ids: [eventId], data: { ts: 7 } } } } },
    })
    const synced = async () => (await bob.get(`/v3/sync?${new URLSearchParams(LAZY)}`)).rooms.join[roomId]
    const shown = async () => (await synced()).ephemeral?.events
    await peer.send(two, [], { edus: [receiptAt(before.eventId)] })
    const at = (eventId: string) => ({ [eventId]: { 'm.read': { '@dan:peer.test': { ts: 7 } } } })
    expect(await shown()).toEqual([{ type: 'm.receipt', content: at(before.eventId) }])
    const here = room.message('@dan:peer.test')
    await peer.send(two, peer.pdus([here]))
    await until(synced, (joined) => timelineOf(joined).includes('hello'))
    await peer.send(two, [], { edus: [receiptAt(here.eventId)] })
    await peer.send(two, [], { edus: [receiptAt(before.eventId)] })
    expect(await shown()).toEqual([{ type: 'm.receipt', content: at(here.eventId) }])
  })

  it('is completed after a restart in the middle', async () => {
    const { bob, two, roomId, tell } = await partialRoom()
    await joinVia(bob, roomId, 'peer.test')
    await bob.send(roomId, 'before')
    const again = await two.restart()
    const back = await again.client.login('bob')
    tell()
    expect(await joinedIn(back, roomId)).toHaveLength(4)
    expect(timelineOf((await back.sync()).rooms.join[roomId])).toContain('before')
  })

  it('is completed by another server when the one that let us in goes away', async () => {
    const { world, bob, peer, roomId, tell } = await partialRoom({ servers: ['far.test'] })
    const far = await FakeServer.start(world, 'far.test')
    far.answers.set('GET /_matrix/key/v2/server', () =>
      peer.fake.otherwise({ method: 'GET', uri: '', headers: {}, body: '' }),
    )
    far.otherwise = (got) => peer.fake.otherwise(got)
    await joinVia(bob, roomId, 'peer.test')
    peer.fake.answers.set(`GET ${STATE_IDS}${encodeURIComponent(roomId)}`, () => ({ status: 502 }))
    peer.fake.close()
    tell()
    expect(await joinedIn(bob, roomId)).toHaveLength(4)
  })

  it('is asked for again later when nobody tells its state', async () => {
    const { world, bob, peer, roomId, tell } = await partialRoom()
    const path = `GET ${STATE_IDS}${encodeURIComponent(roomId)}`
    const answer = peer.fake.answers.get(path)
    const asked = () => peer.asked.filter((path) => path.startsWith(`GET ${STATE_IDS}`)).length
    peer.fake.answers.set(path, () => ({ status: 404, body: { errcode: 'M_NOT_FOUND' } }))
    await joinVia(bob, roomId, 'peer.test')
    await until(
      async () => asked(),
      (times) => times === 1,
    )
    if (answer) peer.fake.answers.set(path, answer)
    tell()
    const members = joinedIn(bob, roomId)
    await until(
      async () => world.clock.advance(60_000),
      () => asked() > 1,
    )
    expect(await members).toHaveLength(4)
  })
})

describe('what comes into a room whose members are not known', () => {
  /** The mod has left before we join, but sends state all the same, as if nothing had happened. */
  async function withBadState() {
    const world = await partialRoom()
    const { bob, two, peer, room, roomId } = world
    const mod = '@mod:peer.test'
    const joined = room.join(mod)
    const authState = room.stateAfter([joined])
    room.member(mod, mod, 'leave')
    await joinVia(bob, roomId, 'peer.test')
    const bad: EventDraft = { type: 'm.room.topic', sender: mod, stateKey: '', content: { topic: 'bad' }, authState }
    const event = room.make(bad)
    await peer.send(two, peer.pdus([event]))
    return { ...world, event }
  }

  it('is believed at first, and taken back when it turns out to be wrong', async () => {
    const { bob, two, peer, room, roomId, event, tell } = await withBadState()
    await until(
      () => eventStatus(bob, roomId, event.eventId),
      (status) => status === 200,
    )
    expect((await bob.get(`${roomPath(roomId)}/state/m.room.topic/`)).topic).toBe('bad')
    await bob.send(roomId, 'upon it')
    tell()
    await isWhole(bob, roomId)
    expect(await eventStatus(bob, roomId, event.eventId)).toBe(404)
    expect((await bob.request('GET', `${roomPath(roomId)}/state/m.room.topic/`)).status).toBe(404)
    await bob.send(roomId, 'after all')
    await peer.send(two, peer.pdus([room.message('@eve:peer.test')]))
    await seen(bob, roomId, 'hello')
    const texts = await seen(bob, roomId, 'after all')
    expect(texts).toContain('upon it')
  })

  it('is refused at first where a lie stands in its way, and let in in the end', async () => {
    const { bob, two, peer, room, roomId, tell } = await partialRoom({ members: ['mod'] })
    const boss = '@boss:peer.test'
    const joined = room.join(boss)
    const authState = room.stateAfter([joined])
    room.member(boss, boss, 'leave')
    await joinVia(bob, roomId, 'peer.test')
    const good = room.last
    const lie = room.make({
      type: 'm.room.member',
      sender: boss,
      stateKey: '@mod:peer.test',
      content: { membership: 'ban' },
      authState,
    })
    const honest = { type: 'm.room.topic', sender: '@mod:peer.test', stateKey: '', content: { topic: 'works' } }
    await peer.send(two, peer.pdus([lie]))
    await until(
      () => eventStatus(bob, roomId, lie.eventId),
      (status) => status === 200,
    )
    const topic = room.send({ ...honest, after: [good] })
    await peer.send(two, peer.pdus([topic]))
    tell()
    await isWhole(bob, roomId)
    expect(await eventStatus(bob, roomId, lie.eventId)).toBe(404)
    await until(
      () => eventStatus(bob, roomId, topic.eventId),
      (status) => status === 200,
    )
    expect((await bob.get(`${roomPath(roomId)}/state/m.room.topic/`)).topic).toBe('works')
    expect(await joinedIn(bob, roomId)).toContain('@mod:peer.test')
  })

  it('is let in at once where a kick that is a lie stands in its way', async () => {
    const { bob, two, peer, room, roomId, tell } = await partialRoom({ members: [] })
    const [boss, dan] = ['@boss:peer.test', '@dan:peer.test']
    const joined = room.join(boss)
    const authState = room.stateAfter([joined])
    room.member(boss, boss, 'leave')
    room.join(dan)
    await joinVia(bob, roomId, 'peer.test')
    // It does not say that it follows his join: who is believed to be out may as well have come back.
    const there = room.stateAfter([room.last])
    const content = { membership: 'leave' }
    const lie = room.make({ type: 'm.room.member', sender: boss, stateKey: dan, content, authState })
    await peer.send(two, peer.pdus([lie]))
    await until(
      () => eventStatus(bob, roomId, lie.eventId),
      (status) => status === 200,
    )
    const leave = room.member(dan, dan, 'leave', { after: [lie], authState: there })
    await peer.send(two, peer.pdus([leave]))
    await until(
      () => eventStatus(bob, roomId, leave.eventId),
      (status) => status === 200,
    )
    tell()
    expect(await joinedIn(bob, roomId)).toEqual([bob.userId, '@carol:peer.test'])
    expect(await eventStatus(bob, roomId, lie.eventId)).toBe(404)
    expect(await eventStatus(bob, roomId, leave.eventId)).toBe(200)
  })
})

describe('our users in a room whose members are not known', () => {
  it('leave it, come back to it and bring others', async () => {
    const { bob, two, roomId, tell } = await partialRoom()
    const ann = await two.client.register('ann')
    await joinVia(bob, roomId, 'peer.test')
    await bob.leave(roomId)
    expect((await bob.request('GET', `${roomPath(roomId)}/members`)).status).toBe(200)
    await joinVia(bob, roomId, 'peer.test')
    await joinVia(ann, roomId, 'peer.test')
    await bob.leave(roomId)
    tell()
    expect(await joinedIn(ann, roomId)).toEqual([ann.userId, '@carol:peer.test', '@dan:peer.test', '@eve:peer.test'])
  })

  it('leave it, and it is completed all the same, for others who ask', async () => {
    const { world, bob, two, peer, roomId, room, tell } = await partialRoom({ servers: ['far.test'] })
    const far = await peer.neighbour(world, 'far.test')
    await joinVia(bob, roomId, 'peer.test')
    const join = room.join('@zoe:far.test')
    await peer.send(two, peer.pdus([join]))
    const said = await bob.send(roomId, 'I was here')
    await bob.leave(roomId)
    const uri = `${STATE_IDS}${encodeURIComponent(roomId)}?event_id=${encodeURIComponent(said)}`
    const ask = () => far.fake.ask(two, 'GET', uri)
    expect(await ask()).toMatchObject({ status: 403 })
    tell()
    const { body } = await until(ask, ({ status }) => status === 200)
    const state = [...room.stateAfter([join]).values()].map(({ eventId }) => eventId)
    expect(new Set(body.pdu_ids)).toEqual(new Set(state))
  })

  it('leave it after nobody told its state for hours, and it is asked for anew', async () => {
    const { world, bob, two, peer, roomId, tell } = await partialRoom()
    const path = `GET ${STATE_IDS}${encodeURIComponent(roomId)}`
    const answer = peer.fake.answers.get(path)
    peer.fake.answers.set(path, () => ({ status: 404, body: { errcode: 'M_NOT_FOUND' } }))
    await joinVia(bob, roomId, 'peer.test')
    const asked = () => peer.asked.filter((path) => path.startsWith(`GET ${STATE_IDS}`)).length
    await until(
      async () => world.clock.advance(300_000),
      () => asked() > 31,
    )
    if (answer) peer.fake.answers.set(path, answer)
    const said = await bob.send(roomId, 'I was here')
    await bob.leave(roomId)
    tell()
    const uri = `${STATE_IDS}${encodeURIComponent(roomId)}?event_id=${encodeURIComponent(said)}`
    await until(
      () => peer.fake.ask(two, 'GET', uri),
      ({ status }) => status === 200,
    )
  })

  it('are put out by others, and then wait for nothing', async () => {
    const { bob, two, peer, room, roomId } = await partialRoom()
    await bob.sync()
    await joinVia(bob, roomId, 'peer.test')
    await peer.send(two, peer.pdus([room.member(peer.creator, bob.userId, 'ban')]))
    await until(
      () => bob.sync(),
      ({ rooms }) => rooms?.leave?.[roomId] !== undefined,
    )
    expect((await bob.request('GET', `${roomPath(roomId)}/members`)).status).toBe(200)
  })

  it('let nobody of another server in', async () => {
    const { bob, two, peer, roomId, tell } = await partialRoom()
    await joinVia(bob, roomId, 'peer.test')
    const path = `/_matrix/federation/v1/make_join/${encodeURIComponent(roomId)}/@zoe:peer.test?ver=11`
    const ask = () => peer.fake.ask(two, 'GET', path)
    expect(await ask()).toMatchObject({ status: 404 })
    tell()
    await isWhole(bob, roomId)
    expect(await ask()).toMatchObject({ status: 200 })
  })
})

describe('a room of a server like ours', () => {
  it('is joined without its members and completed, and restarts change nothing', async () => {
    const { two, alice, bob, one } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat', name: 'shared' })
    const others: User[] = []
    for (const name of ['ann', 'ben', 'cid']) others.push(await one.client.register(name))
    for (const user of others) await user.join(roomId)
    await joinVia(bob, roomId, 'one.test')
    const everybody = [alice, bob, ...others].map(({ userId }) => userId).sort()
    expect(await joinedIn(bob, roomId)).toEqual(everybody)
    await bob.send(roomId, 'from two')
    await seen(alice, roomId, 'from two')
    const again: Federated = await two.restart()
    const back = await again.client.login('bob')
    expect(await joinedIn(back, roomId)).toEqual(everybody)
    await alice.send(roomId, 'from one')
    await seen(back, roomId, 'from one')
    await others[0]?.leave(roomId)
    await membershipBecomes(back, roomId, others[0]?.userId ?? '', 'leave')
  })
})

describe('a server that asks to join without the members', () => {
  async function twoEnds() {
    const world = await World.create()
    const two = await world.start('two.test')
    const bob = await two.client.register('bob')
    const peer = await Peer.start(world)
    const far = await peer.neighbour(world, 'far.test')
    const { room, creator } = peer
    const zoe = '@zoe:far.test'
    room.join(zoe)
    room.member(zoe, zoe, 'leave')
    await joinVia(bob, room.roomId, 'peer.test')
    const join = room.last
    const ends = [room.message(creator, { after: [join] }), room.message(creator, { after: [join] })] as const
    await peer.send(two, peer.pdus(ends))
    const enter = async (ts: number) => {
      const content = { membership: 'join' }
      const { eventId, pdu } = room.make({
        type: 'm.room.member',
        sender: zoe,
        stateKey: zoe,
        content,
        ts,
        after: [ends[0]],
      })
      const path = [room.roomId, eventId].map(encodeURIComponent).join('/')
      const uri = `/_matrix/federation/v2/send_join/${path}?omit_members=true`
      return far.fake.ask(two, 'PUT', uri, { content: pdu as JsonObject })
    }
    return { enter, join, creator }
  }

  it('is told them later, as long as it is in the room', async () => {
    const { enter } = await twoEnds()
    expect(await enter(1_700_000_999_000)).toMatchObject({ status: 200, body: { members_omitted: true } })
  })

  it('is told them at once where a fork undoes its join as it comes in', async () => {
    const { enter, join, creator } = await twoEnds()
    const { status, body } = await enter(1)
    expect(status).toBe(200)
    expect(body.members_omitted).toBe(false)
    const members = body.state.flatMap((pdu: JsonObject) => (pdu.type === 'm.room.member' ? pdu.state_key : []))
    expect(members.sort()).toEqual([join.pdu.state_key, creator, '@zoe:far.test'].sort())
  })
})
