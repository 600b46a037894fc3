import { expect, it } from 'vitest'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, membershipBecomes, membershipOf } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

async function worldOfAlice() {
  const world = await World.create()
  const one = await world.start('one.test')
  return { world, one, alice: await one.client.register('alice') }
}

it('comes back through a server that is named, where that sees somebody in a room that is empty here', async () => {
  const { world, one, alice } = await worldOfAlice()
  const peer = await Peer.start(world)
  const { roomId } = peer.room
  await joinVia(alice, roomId, 'peer.test')
  // The peer itself comes to think otherwise of it.
  const left = peer.room.make({
    type: 'm.room.member',
    sender: peer.creator,
    stateKey: peer.creator,
    content: { membership: 'leave' },
  })
  await peer.send(one, peer.pdus([left]))
  await membershipBecomes(alice, roomId, peer.creator, 'leave')
  await alice.leave(roomId)
  await joinVia(alice, roomId, 'peer.test')
  expect(await membershipOf(alice, roomId, peer.creator)).toBe('join')
})

it.each([
  ['comes back alone where a server that is named knows of nobody in the room either', 404, 'M_NOT_FOUND', 200],
  ['takes no for an answer from a server that is named', 403, 'M_FORBIDDEN', 403],
] as const)('%s', async (_what, given, errcode, expected) => {
  const { world, alice } = await worldOfAlice()
  const fake = await FakeServer.start(world, 'fake.test')
  fake.otherwise = () => ({ status: given, body: { errcode } })
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await alice.leave(roomId)
  const { status } = await alice.request('POST', `/v3/join/${roomId}?via=fake.test`)
  expect(status).toBe(expected)
  expect(fake.got.some(({ uri }) => uri.includes('/make_join/'))).toBe(true)
})

it('tells others of no kick before a join through a server that never heard of one', async () => {
  const { world, one, alice } = await worldOfAlice()
  const peer = await Peer.start(world)
  const { room, creator, fake } = peer
  await joinVia(alice, room.roomId, 'peer.test')
  const first = room.last
  const kick = room.make({
    type: 'm.room.member',
    sender: creator,
    stateKey: alice.userId,
    content: { membership: 'leave' },
  })
  await peer.send(one, peer.pdus([kick]))
  await membershipBecomes(alice, room.roomId, alice.userId, 'leave')
  room.message(creator) // not here: the state before the join is known from what the peer tells of it
  await joinVia(alice, room.roomId, 'peer.test')
  const path = `/_matrix/federation/v1/state_ids/${encodeURIComponent(room.roomId)}`
  const { body } = await fake.ask(one, 'GET', `${path}?event_id=${encodeURIComponent(room.last.eventId)}`)
  expect(body.pdu_ids).toContain(first.eventId)
  expect(body.pdu_ids).not.toContain(kick.eventId)
})
