import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { inTime, joinVia, textsOf } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { type BuiltEvent, RoomBuilder } from '../support/room-builder.ts'
import { World } from '../support/servers.ts'

/** A server of ours in a room with two others, of which one is honest and the other means ill. */
async function scene(version?: string) {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const honest = await Peer.start(world, 'honest.test', version)
  const evil = await honest.neighbour(world, 'evil.test')
  const { room } = honest
  room.join(evil.creator)
  await joinVia(alice, room.roomId, 'honest.test')
  const join = room.last
  const say = (by: Peer, body: string, after: readonly BuiltEvent[]) =>
    room.message(by.creator, { content: { msgtype: 'm.text', body }, after })
  const shown = (...texts: string[]) =>
    inTime(
      world,
      () => textsOf(alice, room.roomId),
      (read) => texts.every((text) => read.includes(text)),
    )
  return { world, one, alice, honest, evil, room, join, say, shown }
}

it('an event that nobody can complete keeps nothing waiting that honest servers send after it', async () => {
  const { one, honest, evil, join, say, shown } = await scene()
  const lost = say(evil, 'lost', [join])
  for (const peer of [honest, evil]) peer.forgotten.add(lost.eventId)
  const stuck = say(evil, 'stuck', [lost])
  await evil.send(one, evil.pdus([stuck]))
  await honest.send(one, honest.pdus([say(honest, 'after it', [stuck])]))
  await shown('after it')
})

it('an event that follows one of another room is taken with the state that others were told of', async () => {
  const { one, alice, honest, evil, room, join, shown } = await scene()
  const elsewhere = await alice.createRoom({ preset: 'public_chat' })
  const eventId = await alice.send(elsewhere, 'of another room')
  const after = [join, { ...join, eventId }]
  const strange = room.message(evil.creator, {
    content: { body: 'after another room' },
    after,
    authState: room.stateAfter([join]),
  })
  honest.fake.answers.set(`GET /_matrix/federation/v1/state_ids/${encodeURIComponent(room.roomId)}`, () => ({
    body: { pdu_ids: [...room.stateAfter([join]).values()].map((event) => event.eventId), auth_chain_ids: [] },
  }))
  await evil.send(one, evil.pdus([strange]))
  await shown('after another room')
})

it('a state without the create event of the room is believed by nobody', async () => {
  const { one, evil, honest, room, join, say, shown } = await scene()
  const lost = [say(evil, 'lost 1', [join]), say(evil, 'lost 2', [join])]
  for (const event of lost) honest.forgotten.add(event.eventId)
  const path = (what: string) => `/_matrix/federation/v1/${what}/${encodeURIComponent(room.roomId)}`
  evil.fake.answers.set(`POST ${path('get_missing_events')}`, () => ({ body: { events: [] } }))
  const isFirst = (uri: string) => uri.includes(encodeURIComponent(lost[0]?.eventId ?? ''))
  evil.fake.answers.set(`GET ${path('state_ids')}`, ({ uri }) => ({
    body: { pdu_ids: isFirst(uri) ? [join.eventId] : [], auth_chain_ids: [] },
  }))
  const stuck = say(evil, 'stuck', lost)
  await evil.send(one, evil.pdus([stuck]))
  await honest.send(one, honest.pdus([say(honest, 'after it', [stuck])]))
  await shown('after it')
})

it('who invites to a room with another version than it has keeps nobody from joining it', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const honest = await Peer.start(world, 'honest.test')
  const evil = await honest.neighbour(world, 'evil.test')
  const { roomId } = honest.room
  const wrong = new RoomBuilder('1')
  wrong.roomId = roomId
  wrong.create(evil.creator)
  const invite = wrong.member(evil.creator, alice.userId, 'invite')
  const [room, event] = [roomId, invite.eventId].map(encodeURIComponent)
  const content = { room_version: '1', event: invite.pdu, invite_room_state: [] } as unknown as JsonObject
  const { status } = await evil.fake.ask(one, 'PUT', `/_matrix/federation/v2/invite/${room}/${event}`, { content })
  expect(status).toBe(200)
  await joinVia(alice, roomId, 'honest.test')
  await honest.send(one, honest.pdus([honest.room.message(honest.creator, { content: { body: 'welcome' } })]))
  expect(await textsOf(alice, roomId)).toContain('welcome')
})

it('what a server gives of the past beside what it was asked for keeps nothing out of the present', async () => {
  const { one, alice, honest, evil, room, join, say } = await scene()
  const { next_batch: since } = await alice.sync()
  const news = say(honest, 'news', [join])
  evil.fake.answers.set(`GET /_matrix/federation/v1/backfill/${encodeURIComponent(room.roomId)}`, () => ({
    body: { pdus: evil.pdus([news]) },
  }))
  honest.fake.answers.set(`GET /_matrix/federation/v1/backfill/${encodeURIComponent(room.roomId)}`, () => ({
    body: { pdus: [] },
  }))
  await textsOf(alice, room.roomId)
  await honest.send(one, honest.pdus([news]))
  const { rooms } = await alice.get(`/v3/sync?since=${since}`)
  const { events } = rooms.join[room.roomId].timeline
  expect(events.map((event: { content: { body?: string } }) => event.content.body)).toContain('news')
})

it('a state of which a liar has taken a member keeps out nothing that the member says', async () => {
  const { one, honest, evil, room, join, say, shown } = await scene()
  const event = say(honest, 'after a gap', [say(honest, 'missing', [join])])
  const path = (what: string) => `/_matrix/federation/v1/${what}/${encodeURIComponent(room.roomId)}`
  const told = [...room.stateAfter([join]).values()].filter(({ pdu }) => pdu.state_key !== honest.creator)
  evil.fake.answers.set(`GET ${path('state_ids')}`, () => ({
    body: { pdu_ids: told.map(({ eventId }) => eventId), auth_chain_ids: [] },
  }))
  for (const { fake } of [evil, honest]) {
    fake.answers.set(`POST ${path('get_missing_events')}`, () => ({ body: { events: [] } }))
  }
  await evil.send(one, evil.pdus([event]))
  await shown('after a gap')
})

it('who sends the most of what nobody can complete keeps nobody else from being asked', async () => {
  const { world, one, honest, evil, join, say, shown } = await scene()
  const liars = [evil, await honest.neighbour(world, 'evil2.test'), await honest.neighbour(world, 'evil3.test')]
  const missing = say(honest, 'missing', [join])
  const lost = say(evil, 'lost', [join])
  for (const liar of liars) liar.forgotten.add(missing.eventId).add(lost.eventId)
  honest.forgotten.add(missing.eventId).add(lost.eventId)
  await honest.send(one, honest.pdus([say(honest, 'after a gap', [missing])]))
  for (const liar of liars) {
    world.clock.advance(1)
    await liar.send(one, liar.pdus([say(liar, 'stuck', [lost])]))
  }
  honest.forgotten.delete(missing.eventId)
  await shown('missing', 'after a gap')
})

it('a small room has no state of any size that somebody likes', async () => {
  const { one, honest, evil, room, join, say, shown } = await scene()
  const missing = say(evil, 'missing', [join])
  const event = say(evil, 'after a gap', [missing])
  const path = (what: string) => `/_matrix/federation/v1/${what}/${encodeURIComponent(room.roomId)}`
  for (const { fake } of [evil, honest]) {
    fake.answers.set(`POST ${path('get_missing_events')}`, () => ({ body: { events: [] } }))
  }
  let given = 0
  const chunk = `"${'x'.repeat(1024 * 1024)}",`
  async function* endless() {
    yield '{"pdu_ids":['
    for (; given < 200; given++) yield chunk
    yield '"x"],"auth_chain_ids":[]}'
  }
  evil.fake.answers.set(`GET ${path('state_ids')}`, () => ({ body: Readable.from(endless()) }))
  await evil.send(one, evil.pdus([event]))
  await shown('after a gap')
  expect(given).toBeLessThan(100)
})

it('who answers nothing keeps nobody from reading what is here', async () => {
  const { world, alice, honest, evil, room } = await scene()
  await alice.send(room.roomId, 'here')
  const path = `GET /_matrix/federation/v1/backfill/${encodeURIComponent(room.roomId)}`
  honest.fake.answers.set(path, () => ({ body: { pdus: [] } }))
  evil.fake.answers.set(path, () => new Promise(() => {}))
  let read: string[] = []
  const reading = textsOf(alice, room.roomId).then((texts) => {
    read = texts
  })
  await inTime(
    world,
    async () => read,
    (texts) => texts.includes('here'),
  )
  await reading
})
