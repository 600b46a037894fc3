import { expect, it } from 'vitest'
import { federationRoutes } from '../../src/http/routes.ts'
import { FakeServer } from '../support/fake-server.ts'
import { World } from '../support/servers.ts'

/** one.test, which talks to friend.test only or to nobody, and a server that is not listed. */
async function listed(mode: 'list' | 'closed' = 'list') {
  const world = await World.create()
  const one = await world.start('one.test', { federation: { mode, servers: [{ name: 'friend.test' }] } })
  const alice = await one.client.register('alice')
  const stranger = await FakeServer.start(world, 'stranger.test')
  return { world, one, alice, stranger }
}

it.each(['list', 'closed'] as const)('%s: a stranger is asked for nothing, however our users name it', async (mode) => {
  const { world, alice, stranger } = await listed(mode)
  const roomId = await alice.createRoom()
  const before = world.network.lookups.length
  for (const name of [
    'stranger.test',
    'STRANGER.test',
    'stranger.test:8448',
    'stranger.test.',
    '10.1.0.1',
    '[::1]',
    'xn--e1afmkfd.test',
  ]) {
    const room = encodeURIComponent(`!room:${name}`)
    await alice.request('POST', `/v3/join/${room}?via=${name}`)
    await alice.request('POST', `/v3/knock/${room}?via=${name}`)
    await alice.request('GET', `/v3/directory/room/${encodeURIComponent(`#room:${name}`)}`)
    await alice.request('POST', `/v3/join/${encodeURIComponent(`#room:${name}`)}`)
    await alice.request('GET', `/v3/publicRooms?server=${name}`)
    await alice.request('GET', `/v3/profile/@carol:${name}`)
    await alice.request('POST', `/v3/rooms/${roomId}/invite`, { user_id: `@carol:${name}` })
    await alice.request('POST', '/v3/keys/query', { device_keys: { [`@carol:${name}`]: [] } })
    await alice.request('POST', '/v3/keys/claim', { one_time_keys: { [`@carol:${name}`]: { D: 'signed_curve25519' } } })
    await alice.request('PUT', `/v3/sendToDevice/m.test/${name}`, { messages: { [`@carol:${name}`]: { '*': {} } } })
    await alice.request('POST', '/v3/createRoom', { invite: [`@carol:${name}`] })
    await alice.request('GET', `/v1/media/download/${name}/abc`)
    await alice.request('GET', `/v1/media/thumbnail/${name}/abc?width=32&height=32`)
    await alice.request('GET', `/v1/room_summary/${room}?via=${name}`)
  }
  expect(stranger.got).toEqual([])
  expect(world.network.lookups.slice(before)).toEqual([])
})

it('a server that is not listed learns nothing: it is answered alike, whatever it asks for', async () => {
  const { one, alice, stranger } = await listed()
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
})
