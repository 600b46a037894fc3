import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { joinVia, pair, seen, textsOf } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const page = (user: User, roomId: string, params: string) => user.get(`${roomPath(roomId)}/messages?${params}`)

/** Everything that pages give one after the other, each from another place; `isOver`: that they came to an end. */
async function readBack(user: User, roomId: string, params: string) {
  const read: { content: { body?: string } }[] = []
  for (let from = '', pages = 0; pages < 30; pages++) {
    const { chunk, end } = await page(user, roomId, `${params}${from}`)
    read.push(...chunk)
    if (end === undefined) return { chunk: read, isOver: true }
    expect(`&from=${end}`).not.toBe(from)
    from = `&from=${end}`
  }
  return { chunk: read, isOver: false }
}

const bodiesOf = (events: readonly { content: { body?: string } }[]) =>
  events.flatMap(({ content }) => content.body ?? [])

const allTexts = async (user: User, roomId: string): Promise<string[]> =>
  bodiesOf((await readBack(user, roomId, 'dir=b&limit=30')).chunk)

describe('what happened before one of ours joined', () => {
  it.each(['1', '11', '12'])('is fetched as it is read, down to the beginning, in version %s', async (version) => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version })
    const sent: string[] = []
    for (let i = 0; i < 130; i++) {
      sent.push(`m${i}`)
      await alice.send(roomId, `m${i}`)
      if (i % 40 === 20) await alice.sendState(roomId, 'm.room.topic', { topic: `t${i}` })
    }
    await joinVia(bob, roomId, 'one.test')
    expect(await allTexts(bob, roomId)).toEqual(sent.toReversed())
    // All of it is here by now, and /sync tells of nothing.
    expect(await textsOf(bob, roomId)).toHaveLength(100)
    await bob.send(roomId, 'new')
    await seen(alice, roomId, 'new')
    const { rooms } = await bob.sync()
    expect(rooms.join[roomId].timeline.events.length).toBeLessThan(15)
  })

  it('is read around an event that somebody names, and an event that nobody has is asked for once', async () => {
    const { world, two, alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const ids: string[] = []
    for (let i = 0; i < 20; i++) ids.push(await alice.send(roomId, `m${i}`))
    await joinVia(bob, roomId, 'one.test')
    const path = (what: string, eventId: string) => `${roomPath(roomId)}/${what}/${encodeURIComponent(eventId)}`
    const context = await bob.get(`${path('context', ids[10] ?? '')}?limit=6`)
    const bodies = (events: { content: { body: string } }[]) => events.map(({ content }) => content.body)
    expect(context.event.content.body).toBe('m10')
    expect(bodies(context.events_before)).toEqual(['m9', 'm8', 'm7'])
    expect((await bob.get(path('event', ids[15] ?? ''))).content.body).toBe('m15')
    const after = await bob.get(`${path('context', ids[10] ?? '')}?limit=6`)
    expect(bodies(after.events_after)).toEqual(['m11', 'm12', 'm13'])

    const unknown = path('event', `$${'x'.repeat(43)}`)
    const eve = await two.client.register('eve')
    expect((await eve.request('GET', unknown)).status).toBe(404)
    const attempts = () => world.network.attempts.length
    expect((await bob.request('GET', unknown)).status).toBe(404)
    world.network.cut('10.0.0.1')
    const before = attempts()
    expect((await bob.request('GET', unknown)).status).toBe(404)
    expect(attempts()).toBe(before)
  })

  it('is hidden from who may not see it', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    })
    await alice.send(roomId, 'secret')
    await joinVia(bob, roomId, 'one.test')
    await alice.send(roomId, 'open')
    await seen(bob, roomId, 'open')
    expect(await allTexts(bob, roomId)).toEqual(['open'])
  })

  it('is taken from its server though nobody needed a signature before, and what was redacted too', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const kept = await alice.send(roomId, 'kept')
    const gone = await alice.send(roomId, 'gone')
    await alice.put(`${roomPath(roomId)}/redact/${encodeURIComponent(gone)}/redaction`)
    await joinVia(bob, roomId, 'one.test')
    const { chunk } = await page(bob, roomId, 'dir=b&limit=100')
    const read = (id: string) => chunk.find((event: { event_id: string }) => event.event_id === id)?.content
    expect(read(kept)).toMatchObject({ body: 'kept' })
    expect(read(gone)).toEqual({})
  })

  it('is found by its time, and read from there', async () => {
    const { world, alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    world.clock.advance(60_000)
    const first = await alice.send(roomId, 'A')
    world.clock.advance(60_000)
    const between = world.clock.now()
    world.clock.advance(60_000)
    const second = await alice.send(roomId, 'B')
    world.clock.advance(60_000)
    await joinVia(bob, roomId, 'one.test')
    const near = (ts: number, dir: string) =>
      bob.get(`/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`)
    expect((await near(between, 'b')).event_id).toBe(first)
    expect((await near(between, 'f')).event_id).toBe(second)
    const context = await bob.get(`${roomPath(roomId)}/context/${encodeURIComponent(second)}?limit=0`)
    const { chunk } = await page(bob, roomId, `dir=b&limit=100&from=${context.end}`)
    const ids = chunk.map((event: { event_id: string }) => event.event_id)
    expect(ids).toContain(first)
    expect(ids).toContain(second)
  })
})

/** A server of ours in a room of others, who give no more than one event of the past at a time. */
async function dribbling() {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { fake, room, forgotten } = peer
  fake.answers.set(`GET /_matrix/federation/v1/backfill/${encodeURIComponent(room.roomId)}`, ({ uri }) => {
    const ids = new URL(uri, 'https://peer.test').searchParams.getAll('v')
    const named = room.events.filter(({ eventId }) => ids.includes(eventId) && !forgotten.has(eventId))
    return { body: { pdus: peer.pdus(named.slice(-1)) } }
  })
  const say = (body: string) => room.message(peer.creator, { content: { msgtype: 'm.text', body } })
  const sayMany = () => {
    for (let i = 0; i < 20; i++) say(`m${i}`)
    return textsFrom(19)
  }
  return { world, one, alice, peer, roomId: room.roomId, say, sayMany }
}

/** Those texts of the many that are read on the way back from one of them to another. */
const textsFrom = (latest: number, earliest = 0) =>
  Array.from({ length: latest - earliest + 1 }, (_, i) => `m${latest - i}`)

describe('a past that comes in small pieces', () => {
  it('is read down to the beginning', async () => {
    const { alice, roomId, sayMany } = await dribbling()
    const sent = sayMany()
    await joinVia(alice, roomId, 'peer.test')
    expect(await allTexts(alice, roomId)).toEqual(sent)
  })

  it('is read down to the beginning by whoever looks for few of its events', async () => {
    const { alice, roomId, sayMany } = await dribbling()
    sayMany()
    await joinVia(alice, roomId, 'peer.test')
    const filter = encodeURIComponent('{"types":["m.room.create"]}')
    expect((await readBack(alice, roomId, `dir=b&limit=1&filter=${filter}`)).chunk).toHaveLength(1)
  })

  it('is not passed over by whoever reads on in what is known from before', async () => {
    const { one, alice, peer, roomId, say, sayMany } = await dribbling()
    await joinVia(alice, roomId, 'peer.test')
    await peer.send(one, peer.pdus([say('before')]))
    await seen(alice, roomId, 'before')
    const sent = sayMany()
    peer.fake.answers.set(`POST /_matrix/federation/v1/get_missing_events/${encodeURIComponent(roomId)}`, () => ({
      body: { events: [] },
    }))
    await peer.send(one, peer.pdus([say('after')]))
    await seen(alice, roomId, 'after')
    expect(await allTexts(alice, roomId)).toEqual(['after', ...sent, 'before'])
  })

  it('ends where nobody has more of it, and goes on there once somebody has', async () => {
    const { world, alice, peer, roomId, sayMany } = await dribbling()
    const sent = sayMany()
    const lost = peer.room.events.find(({ pdu }) => pdu.content.body === 'm9')
    peer.forgotten.add(lost?.eventId ?? '')
    await joinVia(alice, roomId, 'peer.test')
    const { chunk, isOver } = await readBack(alice, roomId, 'dir=b&limit=30')
    expect(bodiesOf(chunk)).toEqual(textsFrom(19, 10))
    expect(isOver).toBe(true)
    peer.forgotten.clear()
    world.clock.advance(120_000)
    expect(await allTexts(alice, roomId)).toEqual(sent)
  })

  it('leads on from an event of whose two pasts one is lost', async () => {
    const { alice, peer, roomId, sayMany } = await dribbling()
    const sent = sayMany()
    const { room, creator, forgotten } = peer
    const lost = room.message(creator, { after: [room.createEvent] })
    forgotten.add(lost.eventId)
    const known = room.events.filter(({ pdu }) => pdu.content.body === 'm19')
    room.message(creator, { content: { msgtype: 'm.text', body: 'after both' }, after: [lost, ...known] })
    await joinVia(alice, roomId, 'peer.test')
    const { chunk, isOver } = await readBack(alice, roomId, 'dir=b&limit=30')
    expect(bodiesOf(chunk)).toEqual(['after both', ...sent])
    expect(isOver).toBe(true)
  })

  it('leads on past an event before which nobody tells the state', async () => {
    const { alice, peer, roomId, sayMany } = await dribbling()
    const sent = sayMany()
    const { room, creator, forgotten, fake } = peer
    fake.answers.delete(`GET /_matrix/federation/v1/backfill/${encodeURIComponent(roomId)}`) // all at once
    const lost = room.message(creator, { after: [room.createEvent] })
    forgotten.add(lost.eventId)
    const untold = room.message(creator, { after: [lost] })
    const known = room.events.filter(({ pdu }) => pdu.content.body === 'm19')
    room.message(creator, { content: { msgtype: 'm.text', body: 'after both' }, after: [untold, ...known] })
    fake.answers.set(`GET /_matrix/federation/v1/state_ids/${encodeURIComponent(roomId)}`, (got) =>
      got.uri.includes(encodeURIComponent(untold.eventId))
        ? { status: 403, body: { errcode: 'M_FORBIDDEN' } }
        : fake.otherwise(got),
    )
    await joinVia(alice, roomId, 'peer.test')
    const { chunk, isOver } = await readBack(alice, roomId, 'dir=b&limit=30')
    expect(bodiesOf(chunk)).toEqual(['after both', ...sent])
    expect(isOver).toBe(true)
  })
})
