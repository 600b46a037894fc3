import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { roomPath } from '../support/client.ts'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { RoomBuilder } from '../support/room-builder.ts'
import { World } from '../support/servers.ts'

const V1 = '/_matrix/federation/v1'
const EVE = '@eve:stranger.test'
const encode = encodeURIComponent

/** one.test, which talks to friend.test only; alice is in a room there. friend.test does what it should not. */
async function listed() {
  const world = await World.create()
  const federation = { mode: 'list' as const, servers: [{ name: 'friend.test' }], presence: true }
  const one = await world.start('one.test', { federation })
  const alice = await one.client.register('alice')
  const friend = await Peer.start(world, 'friend.test')
  const stranger = await FakeServer.start(world, 'stranger.test')
  const { answers } = friend.fake
  /** Nobody was asked for anything, nor looked for, but the friend. */
  const expectNothing = () => {
    expect(stranger.got).toEqual([])
    expect(world.network.lookups.filter((name) => !name.endsWith('friend.test'))).toEqual([])
  }
  return { world, one, alice, friend, room: friend.room, stranger, answers, expectNothing }
}

it('a listed server cannot speak for the users of another, in whatever form', async () => {
  const { one, alice, friend, room, expectNothing } = await listed()
  const { roomId } = room
  await joinVia(alice, roomId, 'friend.test')
  await alice.sync()
  const toAlice = { [alice.userId]: { '*': { n: 1 } } }
  const read = { 'm.read': { [EVE]: { event_ids: [room.last.eventId], data: { ts: 1 } } } }
  const edus = Object.entries({
    'm.typing': { room_id: roomId, user_id: EVE, typing: true },
    'm.receipt': { [roomId]: read },
    'm.presence': { push: [{ user_id: EVE, presence: 'online' }] },
    'm.direct_to_device': { sender: EVE, type: 'm.test', message_id: 'm1', messages: toAlice },
    'm.device_list_update': { user_id: EVE, device_id: 'ONE', stream_id: 2, prev_id: [1] },
    'm.signing_key_update': { user_id: EVE, master_key: {}, self_signing_key: {} },
  }).map(([edu_type, content]) => ({ edu_type, content }))
  expect((await friend.send(one, [], { edus })).status).toBe(200)
  expect(JSON.stringify(await alice.sync())).not.toContain('stranger.test')
  expectNothing()
})

it('a listed server gets nothing about another one out of us', async () => {
  const { one, alice, friend, room, expectNothing } = await listed()
  const { roomId } = room
  await joinVia(alice, roomId, 'friend.test')
  const join = room.make({ type: 'm.room.member', sender: EVE, stateKey: EVE, content: { membership: 'join' } })
  const joined = join.pdu as JsonObject
  const signed = { mxid: EVE, token: 't', signatures: {} }
  const asked: ['GET' | 'PUT' | 'POST', string, JsonObject?][] = [
    ['GET', `${V1}/query/profile?user_id=${encode(EVE)}`],
    ['GET', `${V1}/query/directory?room_alias=${encode('#room:stranger.test')}`],
    ['GET', `${V1}/user/devices/${encode(EVE)}`],
    ['POST', `${V1}/user/keys/query`, { device_keys: { [EVE]: [] } }],
    ['POST', `${V1}/user/keys/claim`, { one_time_keys: { [EVE]: { ONE: 'signed_curve25519' } } }],
    ['GET', `${V1}/hierarchy/${encode('!room:stranger.test')}`],
    ['GET', `${V1}/make_join/${encode(roomId)}/${encode(EVE)}?ver=11`],
    ['PUT', `/_matrix/federation/v2/send_join/${encode(roomId)}/${encode(join.eventId)}`, joined],
    [
      'PUT',
      `${V1}/exchange_third_party_invite/${encode(roomId)}`,
      {
        type: 'm.room.member',
        room_id: roomId,
        sender: EVE,
        state_key: '@carol:friend.test',
        content: { membership: 'invite', third_party_invite: { display_name: '', signed } },
      },
    ],
    [
      'PUT',
      `${V1}/3pid/onbind`,
      {
        address: 'a@b.c',
        medium: 'email',
        mxid: alice.userId,
        invites: [{ room_id: roomId, sender: EVE, signed: { ...signed, mxid: alice.userId } }],
      },
    ],
    ['GET', '/_matrix/key/v2/query/stranger.test'],
    ['POST', '/_matrix/key/v2/query', { server_keys: { 'stranger.test': {} } }],
    ['GET', '/_matrix/media/v3/download/stranger.test/abc'],
    ['GET', '/_matrix/media/v3/thumbnail/stranger.test/abc?width=32&height=32'],
  ]
  for (const [method, uri, content] of asked) await friend.fake.ask(one, method, uri, { content })
  expectNothing()
})

it('nobody follows a listed server to another one', async () => {
  const { one, alice, friend, room, answers, expectNothing } = await listed()
  const elsewhere = { room_id: '!far:stranger.test', servers: ['stranger.test', 'STRANGER.test:8448'] }
  // Behind an alias.
  answers.set(`GET ${V1}/query/directory`, () => ({ body: elsewhere }))
  expect((await alice.request('POST', `/v3/join/${encode('#far:friend.test')}`)).status).toBeGreaterThanOrEqual(400)
  expect((await alice.request('GET', `/v1/room_summary/${encode('#far:friend.test')}`)).status).toBe(404)
  // In a list of rooms or a space.
  const child = { type: 'm.space.child', state_key: elsewhere.room_id, content: { via: elsewhere.servers } }
  const space = {
    room_id: room.roomId,
    num_joined_members: 1,
    world_readable: true,
    guest_can_join: false,
    join_rule: 'public',
  }
  answers.set(`GET ${V1}/hierarchy/${encode(room.roomId)}`, () => ({
    body: {
      room: {
        ...space,
        room_type: 'm.space',
        children_state: [{ ...child, sender: friend.creator, origin_server_ts: 1 }],
      },
      children: [],
    },
  }))
  await joinVia(alice, room.roomId, 'friend.test')
  await friend.send(one, [
    room.send({ type: child.type, stateKey: child.state_key, sender: friend.creator, content: child.content }).pdu,
  ])
  const { rooms } = await alice.get(`/v1/rooms/${encode(room.roomId)}/hierarchy`)
  expect(rooms.map(({ room_id }: { room_id: string }) => room_id)).toEqual([room.roomId])
  // By an invite to a room that bears its name.
  const far = new RoomBuilder('11')
  far.roomId = elsewhere.room_id
  far.create(friend.creator)
  far.join(friend.creator)
  const invite = far.member(friend.creator, alice.userId, 'invite')
  const shown = [{ type: 'm.room.name', state_key: '', sender: EVE, content: { name: 'far' } }]
  const content = { room_version: '11', event: invite.pdu as JsonObject, invite_room_state: shown }
  const uri = `/_matrix/federation/v2/invite/${encode(far.roomId)}/${encode(invite.eventId)}`
  expect((await friend.fake.ask(one, 'PUT', uri, { content })).status).toBe(200)
  const path = `/v3/join/${encode(far.roomId)}?via=stranger.test&via=STRANGER.test`
  expect((await alice.request('POST', path)).status).toBeGreaterThanOrEqual(400)
  await alice.leave(far.roomId)
  expectNothing()
})

it('a listed server that says that nobody else is in the room is found out when its members are known', async () => {
  const { alice, friend, room, expectNothing } = await listed()
  friend.omits = { servers: [] }
  room.join(EVE)
  await joinVia(alice, room.roomId, 'friend.test')
  await until(
    async () =>
      (
        await alice.request('PUT', `${roomPath(room.roomId)}/send/m.room.message/t`, {
          msgtype: 'm.text',
          body: 'hello',
        })
      ).status,
    (status) => status === 403,
  )
  expectNothing()
})

/** The same after eve has come into the room: it is frozen. */
async function frozen() {
  const listing = await listed()
  const { one, alice, friend, room } = listing
  await joinVia(alice, room.roomId, 'friend.test')
  // The news of alice's devices, which the friend gets for her join, goes its own way.
  await until(
    async () => friend.asked,
    (asked) => asked.some((path) => path.startsWith(`PUT ${V1}/send/`)),
  )
  await friend.send(one, [room.join(EVE).pdu])
  const path = `${roomPath(room.roomId)}/send/m.room.message/t`
  expect((await alice.request('PUT', path, { msgtype: 'm.text', body: 'hello' })).status).toBe(403)
  return listing
}

it('an invite by a listed server brings nobody into a frozen room, nor anything into it', async () => {
  const { one, alice, friend, room } = await frozen()
  const { roomId } = room
  const amy = await one.client.register('amy')
  const invite = room.member(friend.creator, amy.userId, 'invite')
  const content = { room_version: '11', event: invite.pdu as JsonObject, invite_room_state: [] }
  const uri = `/_matrix/federation/v2/invite/${encode(roomId)}/${encode(invite.eventId)}`
  expect((await friend.fake.ask(one, 'PUT', uri, { content })).status).toBe(403)
  expect((await amy.sync()).rooms?.invite).toBeUndefined()
  expect((await alice.request('GET', `${roomPath(roomId)}/event/${encode(invite.eventId)}`)).status).toBe(404)
  expect((await amy.request('POST', `/v3/join/${encode(roomId)}?via=friend.test`)).status).toBe(403)
})

it('nothing of a frozen room is fetched by naming it', async () => {
  const { alice, friend, room, answers } = await frozen()
  const { roomId } = room
  const { eventId } = room.message(friend.creator, { content: { msgtype: 'm.text', body: 'secret' } })
  const near = { event_id: eventId, origin_server_ts: Number(room.last.pdu.origin_server_ts) }
  answers.set(`GET ${V1}/timestamp_to_event/${encode(roomId)}`, () => ({ body: near }))
  const before = friend.asked.length
  for (const path of [
    `/v3/rooms/${encode(roomId)}/event/${encode(eventId)}`,
    `/v3/rooms/${encode(roomId)}/context/${encode(eventId)}`,
    `/v1/rooms/${encode(roomId)}/timestamp_to_event?ts=${near.origin_server_ts}&dir=f`,
    `/v3/rooms/${encode(roomId)}/messages?dir=b`,
  ])
    expect(JSON.stringify((await alice.request('GET', path)).body)).not.toContain('secret')
  expect(friend.asked.slice(before)).toEqual([])
})
