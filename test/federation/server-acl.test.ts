import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { roomPath } from '../support/client.ts'
import { joinVia, textsOf } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const ACL = { allow: ['*'], deny: ['PEER.test'], allow_ip_literals: true }

/** alice in a room of peer.test, which no longer admits that server once it is shut. */
async function joined(version = '11') {
  const world = await World.create()
  const one = await world.start('one.test', { federation: { mode: 'open', presence: true } })
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world, 'peer.test', version)
  const { room, creator } = peer
  await joinVia(alice, room.roomId, 'peer.test')
  const shut = () => peer.send(one, [room.state('m.room.server_acl', creator, ACL).pdu])
  return { one, alice, peer, room, roomId: room.roomId, creator, shut }
}

it('keeps out what comes from a server that the room does not admit, whoever wrote it', async () => {
  const { one, alice, peer, room, roomId, creator, shut } = await joined()
  await shut()
  const events = [room.message(creator), room.state('m.room.topic', creator, { topic: 'mine' })]
  const { body } = await peer.send(one, peer.pdus(events))
  for (const { eventId } of events) expect(body.pdus[eventId].error).toContain('does not admit')
  expect(await textsOf(alice, roomId)).not.toContain('hello')
  expect((await alice.request('GET', `${roomPath(roomId)}/state/m.room.topic/`)).status).toBe(404)
})

it.each(['1', '11'])('answers that server 403 to whatever it asks about the room, in version %s', async (version) => {
  const { one, peer, room, roomId, creator, shut } = await joined(version)
  await shut()
  const amy = await one.client.register('amy')
  const [v1, v2] = ['/_matrix/federation/v1', '/_matrix/federation/v2']
  const id = encodeURIComponent(room.last.eventId)
  const made = (membership: string, target = creator) =>
    room.make({ type: 'm.room.member', sender: creator, stateKey: target, content: { membership } })
  const [join, leave, knock, invite] = [made('join'), made('leave'), made('knock'), made('invite', amy.userId)]
  const put = (event: typeof join): JsonObject => event.pdu as JsonObject
  const asked: [method: 'GET' | 'PUT' | 'POST', uri: string, content?: JsonObject][] = [
    ['GET', `${v1}/make_join/${roomId}/${creator}?ver=${version}`],
    ['GET', `${v1}/make_leave/${roomId}/${creator}`],
    ['GET', `${v1}/make_knock/${roomId}/${creator}?ver=${version}`],
    ['PUT', `${v1}/send_join/${roomId}/${encodeURIComponent(join.eventId)}`, put(join)],
    ['PUT', `${v2}/send_join/${roomId}/${encodeURIComponent(join.eventId)}`, put(join)],
    ['PUT', `${v1}/send_leave/${roomId}/${encodeURIComponent(leave.eventId)}`, put(leave)],
    ['PUT', `${v2}/send_leave/${roomId}/${encodeURIComponent(leave.eventId)}`, put(leave)],
    ['PUT', `${v1}/send_knock/${roomId}/${encodeURIComponent(knock.eventId)}`, put(knock)],
    [
      'PUT',
      `${v2}/invite/${roomId}/${encodeURIComponent(invite.eventId)}`,
      { room_version: version, event: put(invite), invite_room_state: [] },
    ],
    ['GET', `${v1}/state/${roomId}?event_id=${id}`],
    ['GET', `${v1}/state_ids/${roomId}?event_id=${id}`],
    ['GET', `${v1}/backfill/${roomId}?v=${id}&limit=1`],
    ['GET', `${v1}/event_auth/${roomId}/${id}`],
    ['POST', `${v1}/get_missing_events/${roomId}`, { earliest_events: [], latest_events: [room.last.eventId] }],
    ['GET', `${v1}/timestamp_to_event/${roomId}?ts=0&dir=f`],
  ]
  // For rooms whose version need not be said.
  if (version === '1') asked.push(['PUT', `${v1}/invite/${roomId}/${encodeURIComponent(invite.eventId)}`, put(invite)])
  for (const [method, uri, content] of asked) {
    const { status, body } = await peer.fake.ask(one, method, uri, { content })
    expect([uri, status, body.errcode]).toEqual([uri, 403, 'M_FORBIDDEN'])
  }
  // What names no room says nothing of it.
  expect((await peer.fake.ask(one, 'GET', `${v1}/event/${id}`)).status).toBe(404)
  expect((await peer.fake.ask(one, 'GET', `${v1}/hierarchy/${roomId}`)).status).toBe(404)
  expect((await amy.sync()).rooms?.invite ?? {}).toEqual({})
})

it('passes over who types and reads there, and nothing that belongs to no room', async () => {
  const { one, alice, peer, room, roomId, creator, shut } = await joined()
  const [first, second] = [room.message(creator), room.message(creator)]
  await peer.send(one, peer.pdus([first, second]))
  const inRoom = ({ eventId }: { eventId: string }, typing: boolean) => [
    { edu_type: 'm.typing', content: { room_id: roomId, user_id: creator, typing } },
    {
      edu_type: 'm.receipt',
      content: { [roomId]: { 'm.read': { [creator]: { event_ids: [eventId], data: { ts: 1 } } } } },
    },
  ]
  const passing = async () =>
    ((await alice.sync()).rooms?.join?.[roomId]?.ephemeral?.events ?? [])
      .map(({ type }: { type: string }) => type)
      .sort()
  await peer.send(one, [], { edus: inRoom(first, true) })
  expect(await passing()).toEqual(['m.receipt', 'm.typing'])
  await shut()
  await alice.sync()

  const toAlice = { [alice.userId]: { [alice.deviceId]: { n: 1 } } }
  const elsewhere = [
    { edu_type: 'm.presence', content: { push: [{ user_id: creator, presence: 'online' }] } },
    {
      edu_type: 'm.direct_to_device',
      content: { sender: creator, type: 'm.test', message_id: 'm1', messages: toAlice },
    },
    {
      edu_type: 'm.device_list_update',
      content: { user_id: creator, device_id: 'ONE', stream_id: 2, prev_id: [1], deleted: true },
    },
  ]
  await peer.send(one, [], { edus: [...inRoom(second, false), ...elsewhere] })
  const { rooms, presence, to_device, device_lists } = await alice.sync()
  expect(rooms?.join?.[roomId]?.ephemeral?.events ?? []).toEqual([])
  expect(presence.events).toMatchObject([{ sender: creator, content: { presence: 'online' } }])
  expect(to_device.events).toMatchObject([{ sender: creator, content: { n: 1 } }])
  expect(device_lists.changed).toEqual([creator])
})
