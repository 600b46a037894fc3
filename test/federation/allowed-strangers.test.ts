import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { joinVia, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const KEYS = 'GET /_matrix/key/v2/server'
const encode = encodeURIComponent

it('unlisted members of a room are asked for their keys and nothing else, and told nothing, but others are', async () => {
  const world = await World.create()
  const one = await world.start('one.test', {
    federation: { mode: 'list', servers: [{ name: 'friend.test' }], unlisted_members: 'allow', presence: true },
  })
  const alice = await one.client.register('alice')
  const friend = await Peer.start(world, 'friend.test')
  const strangers = await Promise.all(['a.test', 'b.test', 'c.test', 'd.test'].map((name) => Peer.start(world, name)))
  const { room, creator } = friend
  // They come before the friend in the state, so that they would be asked first.
  for (const { creator: user } of strangers) room.join(user)
  room.join('@dave:friend.test')
  room.member(creator, creator, 'leave')
  await joinVia(alice, room.roomId, 'friend.test')

  const users = strangers.map(({ creator: user }) => user)
  const [carol = ''] = users
  const path = roomPath(room.roomId)
  const { chunk } = await alice.get(`${path}/messages?dir=b&limit=100`)
  expect(chunk.at(-1).type).toBe('m.room.create')
  const eventId = await alice.send(room.roomId, 'hello')
  await alice.put(`${path}/typing/${alice.userId}`, { typing: true })
  await alice.post(`${path}/receipt/m.read/${encode(eventId)}`)
  await alice.put(`/v3/profile/${alice.userId}/displayname`, { displayname: 'Alice' })
  await one.client.login('alice')
  await alice.request('POST', '/v3/keys/query', { device_keys: Object.fromEntries(users.map((user) => [user, []])) })
  await alice.request('POST', '/v3/keys/claim', { one_time_keys: { [carol]: { ONE: 'signed_curve25519' } } })
  await alice.request('PUT', '/v3/sendToDevice/m.test/1', { messages: { [carol]: { '*': {} } } })
  await alice.request('GET', `/v1/rooms/${encode(room.roomId)}/timestamp_to_event?ts=0&dir=f`)
  await alice.request('GET', `${path}/event/${encode('$unknown')}`)
  for (const [method, uri, body] of [
    ['GET', `/v3/profile/${encode(carol)}`],
    ['POST', `${path}/invite`, { user_id: '@new:a.test' }],
    ['GET', '/v1/media/download/a.test/abc'],
    ['GET', `/v3/directory/room/${encode('#room:a.test')}`],
    ['POST', `/v3/join/${encode('!room:a.test')}?via=a.test`],
  ] as const)
    expect([uri, (await alice.request(method, uri, body)).status]).toEqual([uri, expect.toBeOneOf([403, 404])])
  await friend.send(one, [room.message(carol, { content: { msgtype: 'm.text', body: 'from a stranger' } }).pdu])
  const texts = async () =>
    (await alice.get(`${path}/messages?dir=b`)).chunk.map(({ content }: { content: { body?: string } }) => content.body)
  expect(await texts()).toContain('from a stranger')
  await until(
    async () => friend.fake.got.map(({ body }) => body).join(),
    (sent) =>
      ['hello', 'm.typing', 'm.receipt', 'm.device_list_update', '"displayname":"Alice"'].every((what) =>
        sent.includes(what),
      ),
  )
  world.clock.advance(60_000)
  expect(new Set(strangers.flatMap(({ asked }) => asked))).toEqual(new Set([KEYS]))
})
