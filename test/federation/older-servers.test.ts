import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { addSignature } from '../../src/matrix/sign-json.ts'
import { essentialText } from '../../src/room/hashes.ts'
import { roomVersion } from '../../src/room/versions.ts'
import { roomPath } from '../support/client.ts'
import { FakeServer, type Given, type Got } from '../support/fake-server.ts'
import { joinVia } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const UNKNOWN: Given = { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' } }

/** Has a peer know only the first form of the endpoints that have two. */
function makeOld(peer: Peer): void {
  const { otherwise } = peer.fake
  peer.fake.otherwise = async (got: Got) => {
    if (got.uri.includes('/v2/')) return UNKNOWN
    const isOld = /\/v1\/send_(?:join|leave)\//.test(got.uri)
    const answer = await otherwise(isOld ? { ...got, uri: got.uri.replace('/v1/', '/v2/') } : got)
    return isOld ? { ...answer, body: [answer.status ?? 200, answer.body] } : answer
  }
}

it('joins through a server that only knows the first form of send_join', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  makeOld(peer)
  await joinVia(alice, peer.room.roomId, 'peer.test')
  const { joined } = await alice.get(`${roomPath(peer.room.roomId)}/joined_members`)
  expect(Object.keys(joined).sort()).toEqual(['@alice:one.test', peer.creator])
  expect(peer.asked.filter((path) => path.includes('send_join')).map((path) => path.split('/')[3])).toEqual([
    'v2',
    'v1',
  ])
})

it('takes a refusal of the second form for what it is', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { otherwise } = peer.fake
  peer.fake.otherwise = (got) =>
    got.uri.includes('/v2/send_join/') ? { status: 403, body: { errcode: 'M_FORBIDDEN' } } : otherwise(got)
  const { status } = await alice.request('POST', `/v3/join/${peer.room.roomId}?via=peer.test`)
  expect(status).toBe(403)
  expect(peer.asked.filter((path) => path.includes('/v1/send_join'))).toEqual([])
})

it.each([
  ['1', [200, 'v2', 'v1']],
  ['11', [502, 'v2']],
] as const)('invites into a room of version %s by the first form, if that can say so', async (version, expected) => {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const old = await FakeServer.start(world, 'old.test')
  old.otherwise = ({ uri, body }) => {
    if (!uri.includes('/v1/invite/')) return UNKNOWN
    const { unsigned, ...event } = JSON.parse(body)
    expect(unsigned.invite_room_state).toBeInstanceOf(Array)
    const rules = roomVersion(version)
    if (!rules) throw new Error('No such version')
    const signature = old.key.sign(essentialText(event, rules))
    const signatures = addSignature(event.signatures, 'old.test', old.key.keyId, signature)
    return { body: [200, { event: { ...event, signatures } as JsonObject }] }
  }
  const roomId = await alice.createRoom({ room_version: version })
  const { status } = await alice.request('POST', `${roomPath(roomId)}/invite`, { user_id: '@bob:old.test' })
  const forms = old.got.filter(({ uri }) => uri.includes('/invite/')).map(({ uri }) => uri.split('/')[3])
  expect([status, ...forms]).toEqual(expected)
})
