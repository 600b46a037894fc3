import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { FakeServer, type Given } from '../support/fake-server.ts'
import { joinVia, textsOf, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const PROXY = '10.9.9.9'

/** one.test, which has no way out but a proxy; what that was asked for. */
async function proxied() {
  const world = await World.create()
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', async ({ url = '' }, socket) => {
    asked.push(url)
    const { hostname, port } = new URL(`http://${url}`)
    const [found] = await world.network.addresses(hostname).catch(() => [])
    const out = connect(world.network.placeOf(found?.address ?? hostname, Number(port)), () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      out.pipe(socket).pipe(out)
    })
    out.on('error', () => socket.destroy())
    socket.on('error', () => out.destroy())
    onTestFinished(() => {
      out.destroy()
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => {
    proxy.close()
  })
  world.network.name('proxy.test', PROXY)
  world.network.listen(PROXY, 3128, (proxy.address() as AddressInfo).port)
  const one = await world.start('one.test', {
    outbound: {
      proxy: 'http://proxy.test:3128',
      authorities_file: join(world.directory, 'ca.pem'),
      only_these_authorities: true,
    },
  })
  return { world, one, asked, alice: await one.client.register('alice') }
}

it('everything goes through a proxy, also where a server is looked for and what its keys are', async () => {
  const { world, one, asked, alice } = await proxied()
  const peer = await Peer.start(world)
  const web = await FakeServer.start(world, 'web.test', { port: 443 })
  web.answers.set('GET /.well-known/matrix/server', () => ({ body: { 'm.server': 'peer.test' } }))
  const profile = '/_matrix/federation/v1/query/profile'
  peer.fake.answers.set(`GET ${profile}`, () => ({ body: { displayname: 'Carol' } }))
  await joinVia(alice, peer.room.roomId, 'peer.test')
  await peer.send(one, [peer.room.message(peer.creator).pdu])
  await until(
    () => textsOf(alice, peer.room.roomId),
    (texts) => texts.includes('hello'),
  )
  expect((await alice.get('/v3/profile/@carol:web.test')).displayname).toBe('Carol')
  expect(new Set(asked)).toEqual(new Set(['peer.test:443', 'peer.test:8448', 'web.test:443']))
  expect(peer.asked).toContain('GET /_matrix/key/v2/server')
  expect(new Set(world.network.attempts)).toEqual(new Set([`${PROXY}:3128`]))
})

it('a proxy is asked for no inner address, whoever names it and however it is spelt', async () => {
  const { world, one, asked, alice } = await proxied()
  const stranger = await FakeServer.start(world, 'stranger.test')
  const web = await FakeServer.start(world, 'web.test', { port: 443 })
  const inner = ['10.0.0.1', '127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '[::1]', '[::ffff:127.0.0.1]']
  for (const host of [...inner, 'localhost', 'LOCALHOST.', 'any.localhost']) {
    const answer: Given = { body: { 'm.server': `${host}:8448` } }
    web.answers.set('GET /.well-known/matrix/server', () => answer)
    const named = await alice.request('GET', `/v3/profile/${encodeURIComponent(`@carol:${host}:8448`)}`)
    const unported = await alice.request('GET', `/v3/profile/${encodeURIComponent(`@carol:${host}`)}`)
    const delegated = await alice.request('GET', '/v3/profile/@carol:web.test')
    world.clock.advance(3 * 24 * 3_600_000)
    const origin = { authorization: `X-Matrix origin="${host}:8448",key="ed25519:a",sig="YQ"` }
    const asking = await stranger.ask(one, 'GET', '/_matrix/federation/v1/query/profile?user_id=@a:one.test', origin)
    expect([host, named.status, unported.status, delegated.status, asking.status]).toEqual([host, 502, 502, 502, 401])
  }
  expect(new Set(asked)).toEqual(new Set(['web.test:443']))
})
