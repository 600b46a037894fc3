import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { signJson } from '../../src/matrix/sign-json.ts'
import { xMatrixHeader } from '../../src/matrix/x-matrix.ts'
import { FakeServer, type Given } from '../support/fake-server.ts'
import { World } from '../support/servers.ts'

const PRIVATE = '192.168.7.7'
const WELL_KNOWN = 'GET /.well-known/matrix/server'
const KEYS = 'GET /_matrix/key/v2/server'
const PROFILE = '/_matrix/federation/v1/query/profile'

const delegation = (server: string): Given => ({ body: { 'm.server': server } })
const redirect = (location: string): Given => ({ status: 302, headers: { location } })

/** one.test, which talks to friend.test only, whose web server answers so when it is asked where friend.test is. */
async function listed() {
  const world = await World.create()
  const one = await world.start('one.test', { federation: { mode: 'list', servers: [{ name: 'friend.test' }] } })
  const alice = await one.client.register('alice')
  const web = await FakeServer.start(world, 'friend.test', { address: '10.1.1.1', port: 443 })
  const profile = (userId: string) => alice.request('GET', `/v3/profile/${userId}`)
  return { world, one, alice, web, profile }
}

it.each<[what: string, answer: Given | undefined, arrange?: (world: World) => void]>([
  ['its own address', undefined, ({ network }) => network.name('friend.test', PRIVATE)],
  ['an address that it delegates to', delegation(`${PRIVATE}:8448`)],
  ['the same without a port', delegation(PRIVATE)],
  ['the same as one number', delegation('3232237319:8448')],
  ['the same in hexadecimal', delegation('0xc0a80707')],
  ['the same in its IPv6 form', delegation(`[::ffff:${PRIVATE}]:8448`)],
  ['this machine', delegation('[::1]:8448')],
  ['a name that it delegates to', delegation('inner.test:8448')],
  ['the same without a port', delegation('inner.test')],
  ['an address that it redirects to', redirect(`https://${PRIVATE}/`)],
  ['a name that it redirects to', redirect('https://inner.test/')],
  [
    'a service',
    { status: 404 },
    ({ network }) => network.serve('_matrix-fed._tcp.friend.test', { name: 'inner.test', port: 8448 }),
  ],
  [
    'a service at an address',
    { status: 404 },
    ({ network }) => network.serve('_matrix._tcp.friend.test', { name: PRIVATE, port: 8448 }),
  ],
  [
    'a service of whom it delegates to',
    delegation('other.test'),
    ({ network }) => network.serve('_matrix-fed._tcp.other.test', { name: 'inner.test', port: 8448 }),
  ],
])('a listed server does not lead to a private address: %s', async (_what, answer, arrange) => {
  const { world, web, profile } = await listed()
  world.network.name('inner.test', PRIVATE)
  // Somebody is there.
  const inner = await FakeServer.start(world, 'inner.test', {
    address: PRIVATE,
    certified: ['friend.test', 'inner.test', 'other.test', PRIVATE],
  })
  world.network.listen('::1', 8448, world.network.placeOf(PRIVATE, 8448).port)
  web.answers.set(WELL_KNOWN, () => answer ?? { status: 404 })
  arrange?.(world)
  expect((await profile('@carol:friend.test')).status).toBe(502)
  expect(inner.got).toEqual([])
  expect(world.network.attempts.filter((place) => !place.startsWith('10.1.1.1:'))).toEqual([])
})

it('a listed server does not lead to a private address between two questions', async () => {
  const { world, web, profile } = await listed()
  web.answers.set(WELL_KNOWN, () => {
    world.network.name('friend.test', PRIVATE)
    return { status: 404 }
  })
  expect((await profile('@carol:friend.test')).status).toBe(502)
  expect(world.network.attempts).toEqual(['10.1.1.1:443'])
})

it.each([`https://${PRIVATE}/file`, 'https://inner.test/file', 'https://3232237319/file', 'https://[::1]:8448/file'])(
  'a listed server does not lead to a private address by saying that a file is at %s',
  async (location) => {
    const { world, alice } = await listed()
    world.network.name('inner.test', PRIVATE)
    const inner = await FakeServer.start(world, 'inner.test', {
      address: PRIVATE,
      port: 443,
      certified: [PRIVATE, 'inner.test'],
    })
    const friend = await FakeServer.start(world, 'friend.test', { address: '10.1.1.1' })
    friend.answers.set('GET /_matrix/federation/v1/media/download/file', () => ({
      headers: { 'content-type': 'multipart/mixed; boundary=b' },
      body: `--b\r\ncontent-type: application/json\r\n\r\n{}\r\n--b\r\nlocation: ${location}\r\n\r\n\r\n--b--\r\n`,
    }))
    expect((await alice.request('GET', '/v1/media/download/friend.test/file')).status).toBe(502)
    expect(friend.got).toHaveLength(1)
    expect(inner.got).toEqual([])
    expect(world.network.attempts.filter((place) => !place.startsWith('10.1.1.1:'))).toEqual([])
  },
)

it.each([
  ['delegates', delegation('host.test')],
  ['redirects', redirect('https://host.test/here')],
])('a listed server that %s to an unlisted host stays who it is, and so does the host', async (_how, answer) => {
  const { world, one, web, profile } = await listed()
  const host = await FakeServer.start(world, 'host.test', { address: '10.1.1.2' })
  const site = await FakeServer.start(world, 'host.test', { address: '10.1.1.2', port: 443 })
  site.answers.set('GET /here', () => delegation('host.test'))
  web.answers.set(WELL_KNOWN, () => answer)
  host.answers.set(`GET ${PROFILE}`, () => ({ body: { displayname: 'Carol' } }))

  // Its questions go there, and are meant for the listed server.
  expect(await profile('@carol:friend.test')).toMatchObject({ status: 200, body: { displayname: 'Carol' } })
  const { host: name, authorization: header } = host.got[0]?.headers ?? {}
  expect([name, header]).toEqual(['host.test', expect.stringContaining('destination="friend.test"')])
  // The host has no more rights than before.
  expect((await profile('@dave:host.test')).status).toBe(403)
  const asked = `${PROFILE}?user_id=%40alice%3Aone.test`
  expect((await host.ask(one, 'GET', asked)).status).toBe(401)
  // It speaks for the listed server with that server's keys, not with its own.
  const signed = { method: 'GET', uri: asked, origin: 'friend.test', destination: 'one.test' }
  const asFriend = async () => {
    world.clock.advance(3_600_000)
    return (await host.ask(one, 'GET', asked, { authorization: xMatrixHeader(signed, host.key) })).status
  }
  expect(await asFriend()).toBe(401)
  const keys = host.keyAnswer({ server_name: 'friend.test', signatures: {} })
  host.answers.set(KEYS, () => ({ body: keys }))
  expect(await asFriend()).toBe(401)
  host.answers.set(KEYS, () => ({ body: signJson<JsonObject>(keys, 'friend.test', host.key) }))
  expect(await asFriend()).toBe(200)
})

it('whoever gets hold of the host of a listed server has still not its pinned key', async () => {
  const world = await World.create()
  const real = await FakeServer.start(world, 'friend.test')
  const listing = { name: 'friend.test', key: real.key.publicKey }
  const one = await world.start('one.test', { federation: { mode: 'list', servers: [listing] } })
  const thief = await FakeServer.start(world, 'friend.test')
  const asked = `${PROFILE}?user_id=%40nobody%3Aone.test`
  expect((await thief.ask(one, 'GET', asked)).status).toBe(401)
  expect(thief.got).toHaveLength(1)
  // Nor as one of its older keys, for which the pinned one would have to vouch.
  const old = { [thief.key.keyId]: { key: thief.key.publicKey, expired_ts: world.clock.now() + 1e9 } }
  thief.answers.set(KEYS, () => ({ body: thief.keyAnswer({ old_verify_keys: old }) }))
  world.clock.advance(3_600_000)
  expect((await thief.ask(one, 'GET', asked)).status).toBe(401)
})
