import { expect, it } from 'vitest'
import { clientRoutes, federationRoutes } from '../../src/http/routes.ts'
import { xMatrixHeader } from '../../src/matrix/x-matrix.ts'
import { FakeServer } from '../support/fake-server.ts'
import { World } from '../support/servers.ts'

const encode = encodeURIComponent

/** How a stranger at 10.1.2.3 may be called. */
const SPELLINGS = [
  'stranger.test',
  'STRANGER.test',
  'stranger.test:8448',
  'stranger.test:443',
  'stranger.test.',
  'stranger.test.:8448',
  'ｓtranger.test',
  'stranger。test',
  'str\u00adanger.test',
  'xn--stranger-.test',
  'xn--e1afmkfd.test',
  'пример.test',
  '10.1.2.3',
  '10.1.2.3:8448',
  '167838211',
  '0x0a010203:8448',
  '012.1.2.3',
  '10.1.515',
  '[::ffff:10.1.2.3]',
  '[::ffff:a01:203]:8448',
  '[::1]',
  '[fe80::1%25eth0]',
  'friend.test@stranger.test',
  'stranger.test/friend.test',
  'stranger.test#.friend.test',
  'stranger.test:8448:friend.test',
]

/** one.test, which talks to friend.test only or to nobody, and a server that is not listed. */
async function listed(mode: 'list' | 'closed' = 'list') {
  const world = await World.create()
  const one = await world.start('one.test', { federation: { mode, servers: [{ name: 'friend.test' }] } })
  const alice = await one.client.register('alice')
  const stranger = await FakeServer.start(world, 'stranger.test', { address: '10.1.2.3' })
  return { world, one, alice, stranger }
}

it.each(['list', 'closed'] as const)('%s: a stranger is asked for nothing, however our users name it', async (mode) => {
  const { world, alice, stranger } = await listed(mode)
  const roomId = await alice.createRoom()
  const before = world.network.lookups.length
  const statuses = new Set<number>()
  for (const name of SPELLINGS) {
    const [via, carol] = [encode(name), `@carol:${name}`]
    const [room, alias] = [encode(`!room:${name}`), encode(`#room:${name}`)]
    const answers = [
      await alice.request('POST', `/v3/join/${room}?via=${via}`),
      await alice.request('POST', `/v3/knock/${room}?via=${via}`),
      await alice.request('GET', `/v3/directory/room/${alias}`),
      await alice.request('POST', `/v3/join/${alias}`),
      await alice.request('GET', `/v3/publicRooms?server=${via}`),
      await alice.request('GET', `/v3/profile/${encode(carol)}`),
      await alice.request('POST', `/v3/rooms/${roomId}/invite`, { user_id: carol }),
      await alice.request('PUT', `/v3/rooms/${roomId}/state/m.room.member/${encode(carol)}`, { membership: 'invite' }),
      await alice.request('PUT', `/v3/rooms/${roomId}/state/m.room.canonical_alias/`, {
        alt_aliases: [`#room:${name}`],
      }),
      await alice.request('POST', '/v3/createRoom', { invite: [carol] }),
      await alice.request('GET', `/v1/media/download/${via}/abc`),
      await alice.request('GET', `/v1/media/thumbnail/${via}/abc?width=32&height=32`),
      await alice.request('GET', `/v1/room_summary/${room}?via=${via}`),
      await alice.request('GET', `/v1/rooms/${room}/hierarchy`),
    ]
    for (const { status } of answers) statuses.add(status)
    await alice.request('POST', '/v3/keys/query', { device_keys: { [carol]: [] } })
    await alice.request('POST', '/v3/keys/claim', { one_time_keys: { [carol]: { D: 'signed_curve25519' } } })
    await alice.request('PUT', `/v3/sendToDevice/m.test/${via}`, { messages: { [carol]: { '*': {} } } })
  }
  // All are refused, and none as if somebody had been asked in vain.
  for (const status of statuses) expect(status).toBeOneOf([400, 403, 404])
  expect(stranger.got).toEqual([])
  expect(world.network.lookups.slice(before)).toEqual([])
})

it.each(['list', 'closed'] as const)('%s: no endpoint leads to a stranger whom our users name', async (mode) => {
  const { world, alice, stranger } = await listed(mode)
  const own = await alice.createRoom()
  const before = world.network.lookups.length
  for (const name of ['stranger.test', 'STRANGER.test.:8448', '10.1.2.3']) {
    const user = `@carol:${name}`
    for (const room of [`!room:${name}`, own]) {
      const parts = { roomId: room, roomIdOrAlias: room, roomAlias: `#room:${name}`, userId: user, serverName: name }
      for (const { spec } of clientRoutes) {
        if (/logout|deactivate|delete/i.test(spec.id)) continue
        const path = [spec.path].flat()[0] ?? ''
        const filled = path.replaceAll(/:(\w+)/g, (_all, part) => encode(parts[part as keyof typeof parts] ?? 'm.test'))
        const query = new URLSearchParams({
          via: name,
          server_name: name,
          server: name,
          user_id: user,
          ts: '0',
          dir: 'b',
          timeout: '0',
        })
        const body = spec.method === 'GET' ? undefined : kitchenSink(name)
        await alice.request(spec.method, `${filled}?${query}`, body)
      }
    }
  }
  expect((await alice.get('/v3/account/whoami')).user_id).toBe(alice.userId)
  expect(stranger.got).toEqual([])
  expect(world.network.lookups.slice(before)).toEqual([])
})

/** A body for every endpoint that takes one. */
function kitchenSink(name: string) {
  const user = `@carol:${name}`
  const ofUser = { [user]: { D: 'signed_curve25519' } }
  return {
    user_id: user,
    invite: [user],
    ignored_users: { [user]: {} },
    room_id: `!room:${name}`,
    room_alias: `#room:${name}`,
    alias: `#room:${name}`,
    membership: 'invite',
    device_keys: { [user]: [] },
    one_time_keys: ofUser,
    messages: ofUser,
    server: name,
    avatar_url: `mxc://${name}/abc`,
    new_version: '11',
    additional_creators: [user],
    content: { membership: 'invite', via: [name] },
    events: [],
    reason: name,
  }
}

it.each(['list', 'closed'] as const)(
  '%s: a stranger is answered alike, however it spells its name, and not looked up',
  async (mode) => {
    const { world, one, stranger } = await listed(mode)
    const before = world.network.lookups.length
    const uri = '/_matrix/federation/v1/query/profile?user_id=%40alice%3Aone.test'
    const answers = new Set<string>()
    for (const name of [...SPELLINGS, 'friend.test.stranger.test', 'stranger.test\tfriend.test']) {
      const origin = /^[ -~]+$/.test(name) ? name : encode(name)
      const signed = { method: 'GET', uri, origin, destination: 'one.test' }
      const { status, body } = await stranger.ask(one, 'GET', uri, {
        authorization: xMatrixHeader(signed, stranger.key),
      })
      answers.add(`${status} ${JSON.stringify(body)}`)
    }
    expect([...answers]).toEqual([expect.stringMatching(/^401 /)])
    expect(stranger.got).toEqual([])
    expect(world.network.lookups.slice(before)).toEqual([])
  },
)

it.each(['list', 'closed'] as const)(
  '%s: a stranger learns nothing: it is answered alike, whatever it asks for',
  async (mode) => {
    const { one, alice, stranger } = await listed(mode)
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const answers = new Set<string>()
    for (const { spec } of federationRoutes) {
      if (spec.auth !== 'federation' || spec.method === 'DELETE') continue
      for (const room of [roomId, '!none:one.test']) {
        const uri = [spec.path].flat()[0]?.replaceAll(':roomId', room).replaceAll(/:\w+/g, '@alice:one.test') ?? ''
        const content = spec.method === 'GET' ? undefined : {}
        const { status, body } = await stranger.ask(one, spec.method, uri, { content })
        answers.add(`${status} ${JSON.stringify(body)}`)
      }
    }
    expect([...answers]).toHaveLength(1)
    expect([...answers][0]).toMatch(/^401 /)
    expect(stranger.got).toEqual([])
  },
)
