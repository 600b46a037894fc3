import { expect, it } from 'vitest'
import { federationRoutes } from '../../src/http/routes.ts'
import { FakeServer } from '../support/fake-server.ts'
import { World } from '../support/servers.ts'

/** one.test, which talks to friend.test only, and a server that is not listed. */
async function listed() {
  const world = await World.create()
  const one = await world.start('one.test', { federation: { mode: 'list', servers: [{ name: 'friend.test' }] } })
  const alice = await one.client.register('alice')
  const stranger = await FakeServer.start(world, 'stranger.test')
  return { world, one, alice, stranger }
}

it('a server that is not listed is asked for nothing, however our users name it', async () => {
  const { world, alice, stranger } = await listed()
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
