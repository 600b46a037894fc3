import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import type { Pdu } from '../../src/room/event.ts'
import { eventIdOf } from '../../src/room/hashes.ts'
import { joinVia } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import type { BuiltEvent } from '../support/room-builder.ts'
import { World } from '../support/servers.ts'

const V1 = '/_matrix/federation/v1'
const V2 = '/_matrix/federation/v2'

/** alice in a room of peer.test whose state is half a megabyte: the answers go out in pieces. */
async function joined() {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { room, creator } = peer
  for (let at = 0; at < 8; at++) room.state(`test.large.${at}`, creator, { text: `${at} ${'봉수'.repeat(10_000)}` })
  await joinVia(alice, room.roomId, 'peer.test')
  const byId = (pdus: readonly Pdu[]) => new Map(pdus.map((pdu) => [eventIdOf(pdu, room.version), pdu]))
  const built = (events: Iterable<BuiltEvent>) => byId([...events].map(({ pdu }) => pdu))
  return { one, peer, room, creator, byId, built, encodedRoom: encodeURIComponent(room.roomId) }
}

it('gives a server all of a long state, its ids, and what it rests on', async () => {
  const { one, peer, room, creator, byId, built, encodedRoom } = await joined()
  const state = built(room.stateAfter([room.last]).values())
  const message = room.message(creator)
  await peer.send(one, peer.pdus([message]))
  const query = `${encodedRoom}?event_id=${encodeURIComponent(message.eventId)}`
  const { body } = await peer.fake.ask(one, 'GET', `${V1}/state/${query}`)
  expect(byId(body.pdus)).toEqual(state)
  const { body: ids } = await peer.fake.ask(one, 'GET', `${V1}/state_ids/${query}`)
  expect(new Set(ids.pdu_ids)).toEqual(new Set(state.keys()))
  const chain = [...byId(body.auth_chain).keys()]
  expect(ids.auth_chain_ids.toSorted()).toEqual(chain.toSorted())
  const { body: auth } = await peer.fake.ask(
    one,
    'GET',
    `${V1}/event_auth/${encodedRoom}/${encodeURIComponent(message.eventId)}`,
  )
  expect(chain).toEqual(expect.arrayContaining([...byId(auth.auth_chain).keys()]))
})

it('gives all of a long state to a server that joins, in both forms of the answer', async () => {
  const { one, peer, room, byId, built, encodedRoom } = await joined()
  const before = room.last
  const join = async (version: string, userId: string) => {
    const state = built(room.stateAfter([before]).values())
    const member = { type: 'm.room.member', sender: userId, stateKey: userId, content: { membership: 'join' } }
    const { eventId, pdu } = room.make({ ...member, after: [before] })
    const uri = `${version}/send_join/${encodedRoom}/${encodeURIComponent(eventId)}`
    const { body } = await peer.fake.ask(one, 'PUT', uri, { content: pdu as JsonObject })
    return { state, body }
  }
  const second = await join(V2, '@dan:peer.test')
  expect(byId(second.body.state)).toEqual(second.state)
  const first = await join(V1, '@eve:peer.test')
  expect(first.body[0]).toBe(200)
  expect(byId(first.body[1].state)).toEqual(first.state)
})
