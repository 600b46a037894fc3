import { expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, seen, textsOf, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const WELL_KNOWN = '/.well-known/matrix/policy_server'
const NUMBER = '900101-1234567'

const say = (user: User, roomId: string, body: string) =>
  user.request('PUT', `${roomPath(roomId)}/send/m.room.message/${encodeURIComponent(body)}`, {
    msgtype: 'm.text',
    body,
  })

/** alice of the policy server and bob of another in a room that it watches over. */
async function watched() {
  const world = await World.create()
  const one = await world.start('one.test', { policy_server: { refuse: ['\\d{6}-[1-4]\\d{6}', '대외비'] } })
  const two = await world.start('two.test')
  const [alice, bob] = [await one.client.register('alice'), await two.client.register('bob')]
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await joinVia(bob, roomId, 'one.test')
  const { public_keys } = (await one.client.request('GET', WELL_KNOWN)).body
  await alice.sendState(roomId, 'm.room.policy', { via: 'one.test', public_keys })
  await until(
    () => bob.request('GET', `${roomPath(roomId)}/state/m.room.policy/`),
    ({ status }) => status === 200,
  )
  return { world, one, two, alice, bob, roomId }
}

it('keeps what it refuses out of rooms that name it, whoever says it', async () => {
  const { alice, bob, roomId } = await watched()
  for (const user of [alice, bob]) {
    for (const text of [`번호는 ${NUMBER}`, '대외비 자료'.normalize('NFD')]) {
      const refused = await say(user, roomId, text)
      expect([refused.status, refused.body.errcode]).toEqual([400, 'M_FORBIDDEN'])
    }
    const topic = await user.request('PUT', `${roomPath(roomId)}/state/m.room.topic/`, { topic: NUMBER })
    expect(topic.status).toBeGreaterThanOrEqual(400)
  }
  expect((await say(alice, roomId, 'from one')).status).toBe(200)
  await seen(bob, roomId, 'from one')
  expect((await say(bob, roomId, 'from two')).status).toBe(200)
  await seen(alice, roomId, 'from two')
  // Elsewhere it refuses nothing.
  const other = await alice.createRoom()
  expect((await say(alice, other, NUMBER)).status).toBe(200)
})

it.each([
  ['in full-width digits', '９００１０１－１２３４５６７'],
  ['in halves of nothing', '9001\u200b01-\u2060123\u00ad4567'],
  ['in mathematical digits', '\u{1d7d7}00101-1234567'],
  ['behind tags', '<b>900101</b>-<i>123</i>4567'],
  ['in single letters', 'ㄷㅐㅇㅚㅂㅣ'],
  ['in letters with nothing between', '대\u200d외\u200d비'],
])('recognises what it refuses %s', async (_how, text) => {
  const { alice, roomId } = await watched()
  const content = { msgtype: 'm.text', body: 'harmless', format: 'org.matrix.custom.html', formatted_body: text }
  const { status } = await alice.request('PUT', `${roomPath(roomId)}/send/m.room.message/t`, content)
  expect(status).toBe(400)
})

it('lets nobody bring it in by an invite, a name, a reason or a join', async () => {
  const { one, two, alice, bob, roomId } = await watched()
  const amy = await one.client.register('amy')
  const carol = await two.client.register('carol')
  await carol.put(`/v3/profile/${carol.userId}/displayname`, { displayname: NUMBER })
  const room = encodeURIComponent(roomId)
  for (const [user, path, body] of [
    [bob, `${roomPath(roomId)}/invite`, { user_id: amy.userId, reason: NUMBER }],
    [alice, `${roomPath(roomId)}/invite`, { user_id: '@dora:two.test', reason: NUMBER }],
    [carol, `/v3/join/${room}?via=one.test`, {}],
    [amy, `/v3/join/${room}`, { reason: NUMBER }],
    [bob, `${roomPath(roomId)}/leave`, { reason: NUMBER }],
  ] as const) {
    const { status } = await user.request('POST', path, body)
    expect([path, status]).toEqual([path, expect.toBeOneOf([400, 403, 502])])
  }
  await bob.put(`/v3/profile/${bob.userId}/displayname`, { displayname: NUMBER })
  expect((await say(bob, roomId, 'later')).status).toBe(200)
  await seen(alice, roomId, 'later')
  expect(JSON.stringify(await alice.get(`${roomPath(roomId)}/state`))).not.toContain(NUMBER)
})

it('shows nothing of it that comes from a server which asks nobody', async () => {
  const world = await World.create()
  const one = await world.start('one.test', { policy_server: { refuse: ['\\d{6}-[1-4]\\d{6}'] } })
  const alice = await one.client.register('alice')
  const { public_keys } = (await one.client.request('GET', WELL_KNOWN)).body
  const peer = await Peer.start(world)
  const { room, creator } = peer
  await joinVia(alice, room.roomId, 'peer.test')
  await peer.send(one, [room.state('m.room.policy', creator, { via: 'one.test', public_keys }).pdu])
  const message = (body: string) => room.message(creator, { content: { msgtype: 'm.text', body } })
  await peer.send(one, peer.pdus([message(NUMBER), message('harmless')]))
  expect((await textsOf(alice, room.roomId)).slice(0, 2)).toEqual(['harmless', 'm.room.policy'])
})

it('signs for servers in the room alone, and only what is the content of its hash', async () => {
  const { world, one, alice, bob, roomId } = await watched()
  const { event_id: eventId } = (await say(bob, roomId, 'hello')).body
  await seen(alice, roomId, 'hello')
  const { policyRequests: requests, roomAnswers } = one.server.services
  const [pdu] = JSON.parse(await roomAnswers.event('two.test', eventId)).pdus
  const signed = await requests.sign('two.test', pdu)
  expect(signed).toEqual({
    'one.test': { 'ed25519:policy_server': pdu.signatures['one.test']['ed25519:policy_server'] },
  })
  const forged = { ...pdu, content: { msgtype: 'm.text', body: 'harmless' } }
  await expect(requests.sign('two.test', forged)).rejects.toMatchObject({ errcode: 'M_BAD_JSON' })
  await expect(requests.sign('two.test', { ...pdu, depth: 'x' })).rejects.toMatchObject({ errcode: 'M_BAD_JSON' })

  const stranger = await FakeServer.start(world, 'stranger.test')
  expect((await stranger.ask(one, 'POST', '/_matrix/policy/v1/sign', { content: pdu })).status).toBe(404)
  expect((await bob.request('GET', WELL_KNOWN)).status).toBe(404)
})
