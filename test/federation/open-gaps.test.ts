import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { inTime, joinVia, textsOf, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import type { BuiltEvent } from '../support/room-builder.ts'
import { type Federated, World } from '../support/servers.ts'

/** A server of ours that has joined a room in which are two others. */
async function joined() {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const other = await peer.neighbour(world, 'other.test')
  const { room } = peer
  room.join(other.creator)
  await joinVia(alice, room.roomId, 'peer.test')
  const join = room.last
  const say = (body: string, after: readonly BuiltEvent[]) =>
    room.message(peer.creator, { content: { msgtype: 'm.text', body }, after })
  /** Resolves once the texts can be read. */
  const shown = (...texts: string[]) =>
    inTime(
      world,
      () => textsOf(alice, room.roomId),
      (read) => texts.every((text) => read.includes(text)),
    )
  return { world, one, alice, peer, other, join, say, shown }
}

type Scene = Awaited<ReturnType<typeof joined>>

/** Events after one that no server of these has any more. */
function stuckOf({ join, say }: Scene, count: number, ...peers: Peer[]): BuiltEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const lost = say(`lost ${i}`, [join])
    for (const peer of peers) peer.forgotten.add(lost.eventId)
    return say(`stuck ${i}`, [lost])
  })
}

/** Of what is before an event it tells nothing but the state. */
const tellStateAlone = ({ fake, room }: Peer) =>
  fake.answers.set(`POST /_matrix/federation/v1/get_missing_events/${encodeURIComponent(room.roomId)}`, () => ({
    body: { events: [] },
  }))

/** Has a server send events, and waits until it was asked in vain for what is before them. */
async function sendInVain({ world }: Scene, to: Federated, from: Peer, events: readonly BuiltEvent[]): Promise<void> {
  await from.send(to, from.pdus(events))
  await inTime(
    world,
    async () => from.asked,
    (asked) => asked.some((path) => path.includes('/get_missing_events/')),
  )
}

it('fills a gap by a server that knows nothing of an older one', async () => {
  const scene = await joined()
  const { world, one, peer, other, join, say, shown } = scene
  await peer.send(one, peer.pdus(stuckOf(scene, 1, peer, other)))
  world.clock.advance(1)
  await peer.send(one, peer.pdus([say('after a gap', [say('between', [join])])]))
  await shown('between', 'after a gap')
})

it.each([
  ['asks for the state at a gap although a newer one is told of by nobody', 1, 'peer'],
  ['asks whoever sent an event first for what is before that, however much others have sent', 20, 'other'],
] as const)('%s', async (_what, count, from) => {
  const scene = await joined()
  const { one, peer, other, join, say, shown } = scene
  tellStateAlone(peer)
  const missing = say('missing', [join])
  for (const server of [peer, other]) server.forgotten.add(missing.eventId)
  await sendInVain(scene, one, peer, [say('after a gap', [missing])])
  await scene[from].send(one, scene[from].pdus(stuckOf(scene, count, peer, other)))
  peer.forgotten.delete(missing.eventId)
  await shown('after a gap')
})

it('puts together what servers tell of the gaps before one event', async () => {
  const { one, peer, other, join, say, shown } = await joined()
  for (const server of [peer, other]) tellStateAlone(server)
  const [first, second] = [say('first', [join]), say('second', [join])]
  other.forgotten.add(first.eventId)
  peer.forgotten.add(second.eventId)
  await peer.send(one, peer.pdus([say('after two gaps', [first, second])]))
  await shown('after two gaps')
})

it('asks nobody again for what nobody told a moment ago, however much comes into the room', async () => {
  const scene = await joined()
  const { world, one, alice, peer, other, join, say } = scene
  const late = [say('late 1', [join]), say('late 2', [join])]
  for (const event of late) for (const server of [peer, other]) server.forgotten.add(event.eventId)
  const waiting = late.map((event, i) => say(`waiting ${i}`, [event]))
  await peer.send(one, peer.pdus([...stuckOf(scene, 1, peer, other), ...waiting]))
  const asked = () => [...peer.asked, ...other.asked].filter((path) => path.includes('/state_ids/')).length
  await until(
    async () => asked(),
    (count) => count === 6,
  )
  for (const [i, event] of late.entries()) {
    await peer.send(one, peer.pdus([event]))
    world.clock.advance(1_000)
    await until(
      () => {
        world.clock.advance(20)
        return textsOf(alice, peer.room.roomId)
      },
      (texts) => texts.includes(`waiting ${i}`),
    )
  }
  expect(asked()).toBe(6)
})

it.each([
  ['although we have gone on further', false],
  ['of a server that goes back to the beginning, whose past is no news', true],
] as const)('fills a gap between both sides %s', async (_what, goesToTheBeginning) => {
  const { one, alice, peer, join, say, shown } = await joined()
  peer.goesToTheBeginning = goesToTheBeginning
  const { next_batch: since } = await alice.get('/v3/sync')
  for (const body of ['one', 'two', 'three']) await alice.send(peer.room.roomId, body)
  const missing = say('missing', [join])
  await peer.send(one, peer.pdus([say('after a gap', [missing])]))
  await shown('missing', 'after a gap')
  expect(peer.asked.filter((path) => path.includes('/state_ids/'))).toEqual([])
  const { rooms } = await alice.get(`/v3/sync?since=${since}`)
  const { events } = rooms.join[peer.room.roomId].timeline
  expect(events.map((event: { content: { body: string } }) => event.content.body)).toEqual([
    'one',
    'two',
    'three',
    'missing',
    'after a gap',
  ])
})

it('fills a gap that is less deep than what was fetched last of the past', async () => {
  const { one, alice, peer, other, join, say, shown } = await joined()
  const path = `POST /_matrix/federation/v1/get_missing_events/${encodeURIComponent(peer.room.roomId)}`
  await shown('m.room.create')
  const lost = say('lost', [say('lost before', [join])])
  for (const server of [peer, other]) {
    tellStateAlone(server)
    server.forgotten.add(lost.eventId)
  }
  await peer.send(one, peer.pdus([say('after deep', [say('deep', [lost])])]))
  await shown('after deep', 'deep')
  for (const server of [peer, other]) server.fake.answers.delete(path)
  const { next_batch: since } = await alice.get('/v3/sync')
  await peer.send(one, peer.pdus([say('after shallow', [say('shallow', [join])])]))
  await shown('after shallow')
  const { rooms } = await alice.get(`/v3/sync?since=${since}`)
  const { events } = rooms.join[peer.room.roomId].timeline
  expect(events.map((event: { content: { body: string } }) => event.content.body)).toEqual(['shallow', 'after shallow'])
})

it('takes nothing for news of the time in which nobody of ours was in the room', async () => {
  const { one, alice, peer, join, say, shown } = await joined()
  const { room } = peer
  const away = say('while she was away', [join])
  await alice.post(`${roomPath(room.roomId)}/leave`)
  await joinVia(alice, room.roomId, 'peer.test')
  const { next_batch: since } = await alice.get('/v3/sync')
  peer.goesToTheBeginning = true
  const missing = say('missing', [room.last])
  await peer.send(one, peer.pdus([say('after a gap', [missing, away])]))
  await shown('missing', 'after a gap')
  const { rooms } = await alice.get(`/v3/sync?since=${since}`)
  const { events } = rooms.join[room.roomId].timeline
  expect(events.map((event: { content: { body: string } }) => event.content.body)).not.toContain('while she was away')
})

it('reads what is missing from the server that goes on from it, however many others are in the room', async () => {
  const { world, one, peer, other, shown } = await joined()
  const { room } = peer
  const [third, last] = [await peer.neighbour(world, 'third.test'), await peer.neighbour(world, 'last.test')]
  await peer.send(one, peer.pdus([room.join(third.creator), room.join(last.creator)]))
  const say = (body: string) => room.message(last.creator, { content: { msgtype: 'm.text', body } })
  const missing = say('missing')
  for (const server of [peer, other, third]) server.forgotten.add(missing.eventId)
  tellStateAlone(last)
  await last.send(one, last.pdus([say('after a gap')]))
  await shown('after a gap', 'missing')
})

it('reads what is missing from the server that sent it, where another has gone on from it', async () => {
  const { world, one, alice, peer, other, say, shown } = await joined()
  const { room } = peer
  const [third, last] = [await peer.neighbour(world, 'third.test'), await peer.neighbour(world, 'last.test')]
  await peer.send(one, peer.pdus([room.join(third.creator)]))
  const missing = room.join(last.creator)
  for (const server of [peer, other, third]) server.forgotten.add(missing.eventId)
  tellStateAlone(last)
  await last.send(one, last.pdus([say('after a gap', [missing])]))
  await shown('after a gap')
  await inTime(
    world,
    () => alice.get(`${roomPath(room.roomId)}/messages?dir=b&limit=100`),
    ({ chunk }) => chunk.some((event: { event_id: string }) => event.event_id === missing.eventId),
  )
})

it('takes what comes while a user is out of the room whom an event that waits puts back in', async () => {
  const scene = await joined()
  const { world, one, alice, peer, other, join, say, shown } = scene
  const missing = say('missing', [join])
  for (const server of [peer, other]) server.forgotten.add(missing.eventId)
  const waiting = say('waiting', [missing])
  await sendInVain(scene, one, peer, [waiting])
  // Her clock was put right in between: as others order what they know of her, she leaves before she takes the name.
  const named = { membership: 'join', displayname: 'Alice' }
  await alice.put(`${roomPath(peer.room.roomId)}/state/m.room.member/${alice.userId}`, named)
  world.clock.advance(-1_000)
  await alice.post(`${roomPath(peer.room.roomId)}/leave`)
  await peer.send(one, peer.pdus([say('while she was out', [waiting])]))
  for (const server of [peer, other]) server.forgotten.delete(missing.eventId)
  await shown('missing', 'waiting', 'while she was out')
})
