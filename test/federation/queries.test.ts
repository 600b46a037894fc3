import { expect, it } from 'vitest'
import type { User } from '../support/client.ts'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, until } from '../support/federated.ts'
import { World } from '../support/servers.ts'

async function twoServers() {
  const world = await World.create()
  const [one, two] = [await world.start('one.test'), await world.start('two.test')]
  return { world, one, two, alice: await one.client.register('alice'), bob: await two.client.register('bob') }
}

const publish = (user: User, alias: string, name: string) =>
  user.createRoom({ visibility: 'public', preset: 'public_chat', room_alias_name: alias, name })

const encode = encodeURIComponent

it('finds the room behind an alias of another server', async () => {
  const { alice, bob } = await twoServers()
  const roomId = await publish(bob, 'budget', 'Budget')
  const path = `/v3/directory/room/${encode('#budget:two.test')}`
  expect(await alice.get(path)).toEqual({ room_id: roomId, servers: ['two.test'] })
  const none = await alice.request('GET', `/v3/directory/room/${encode('#none:two.test')}`)
  expect([none.status, none.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
})

it('does not look anything up for whoever is not logged in', async () => {
  const { world, one, bob } = await twoServers()
  await publish(bob, 'budget', 'Budget')
  const alias = await one.client.request('GET', `/v3/directory/room/${encode('#budget:two.test')}`)
  const rooms = await one.client.request('GET', '/v3/publicRooms?server=two.test')
  const profile = await one.client.request('GET', `/v3/profile/${bob.userId}`)
  expect([alias.status, rooms.status, profile.status]).toEqual([404, 401, 403])
  expect(world.network.lookups).toEqual([])
})

it('lists and searches what another server publishes', async () => {
  const { alice, bob } = await twoServers()
  await publish(bob, 'budget', 'Budget')
  await publish(bob, 'travel', 'Travel')
  const names = (answer: { chunk: { name: string }[] }) => answer.chunk.map(({ name }) => name).sort()
  expect(names(await alice.get('/v3/publicRooms?server=two.test'))).toEqual(['Budget', 'Travel'])
  const filter = { generic_search_term: 'budg' }
  expect(names(await alice.post('/v3/publicRooms?server=two.test', { filter }))).toEqual(['Budget'])
  const first = await alice.get('/v3/publicRooms?server=two.test&limit=1')
  expect(first.chunk).toHaveLength(1)
  const second = await alice.get(`/v3/publicRooms?server=two.test&limit=1&since=${first.next_batch}`)
  expect(names({ chunk: [...first.chunk, ...second.chunk] })).toEqual(['Budget', 'Travel'])
})

it('finds rooms of another server by Korean initial consonants', async () => {
  const { alice, bob } = await twoServers()
  const roomId = await publish(bob, 'budget', '예산안 검토')
  const filter = { generic_search_term: 'ㅇㅅㅇㄱ' }
  expect((await alice.post('/v3/publicRooms?server=two.test', { filter })).chunk).toMatchObject([{ room_id: roomId }])
})

it('finds people of another server by name and initial consonants while one shares a room with them', async () => {
  const { alice, bob } = await twoServers()
  await bob.put(`/v3/profile/${encode(bob.userId)}/displayname`, { displayname: '홍길동' })
  const find = async (search_term: string) =>
    (await alice.post('/v3/user_directory/search', { search_term })).results.map(
      (found: { user_id: string }) => found.user_id,
    )
  expect(await find('길동')).toEqual([])
  const roomId = await publish(bob, 'private', '둘만')
  await joinVia(alice, roomId, 'two.test')
  await until(
    () => find('길동'),
    (found) => found.includes(bob.userId),
  )
  for (const term of ['홍길동', 'ㅎㄱㄷ', '홍ㄱㄷ', '길도', '홍길동'.normalize('NFD')])
    expect(await find(term), term).toEqual([bob.userId])
  await bob.leave(roomId)
  await until(
    () => find('길동'),
    (found) => found.length === 0,
  )
})

it('says that it knows no other queries', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const odd = await FakeServer.start(world, 'odd.test')
  const answer = await odd.ask(one, 'GET', '/_matrix/federation/v1/query/weather')
  expect([answer.status, answer.body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
})

it('refuses a canonical alias that leads elsewhere, also on another server', async () => {
  const { alice, bob } = await twoServers()
  await publish(bob, 'budget', 'Budget')
  const room = await alice.createRoom()
  const path = `/v3/rooms/${encode(room)}/state/m.room.canonical_alias/`
  const answer = await alice.request('PUT', path, { alias: '#budget:two.test' })
  expect([answer.status, answer.body.errcode]).toEqual([400, 'M_BAD_ALIAS'])
})

it('tells a third party who a user is, for an hour', async () => {
  const { world, one, alice } = await twoServers()
  const token = await alice.post(`/v3/user/${encode(alice.userId)}/openid/request_token`)
  expect(token).toMatchObject({ token_type: 'Bearer', matrix_server_name: 'one.test', expires_in: 3600 })
  const stranger = await FakeServer.start(world, 'stranger.test')
  const path = `/_matrix/federation/v1/openid/userinfo?access_token=${token.access_token}`
  expect(await stranger.ask(one, 'GET', path, { authorization: '' })).toEqual({
    status: 200,
    body: { sub: alice.userId },
  })
  world.clock.advance(3_600_000)
  const late = await stranger.ask(one, 'GET', path, { authorization: '' })
  expect([late.status, late.body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN'])
  const whoami = await one.client.request('GET', `/v3/account/whoami?access_token=${token.access_token}`)
  expect(whoami.status).toBe(401)
})

it('says where it is and whom to turn to, if it was told', async () => {
  const world = await World.create()
  const one = await world.start('one.test', {
    federation: { mode: 'open', well_known_server: 'matrix.one.test:443' },
    support: { contacts: [{ role: 'm.role.admin', email_address: 'admin@one.test' }] },
  })
  const two = await world.start('two.test')
  expect(await one.client.get('/.well-known/matrix/server')).toEqual({ 'm.server': 'matrix.one.test:443' })
  expect(await one.client.get('/.well-known/matrix/support')).toEqual({
    contacts: [{ role: 'm.role.admin', email_address: 'admin@one.test' }],
  })
  expect((await two.client.request('GET', '/.well-known/matrix/server')).status).toBe(404)
  expect((await two.client.request('GET', '/.well-known/matrix/support')).status).toBe(404)
})

it.each([
  ['nothing that is JSON', 'garbage', 502],
  ['another shape', { room_id: 5 }, 502],
  ['ten megabytes', ' '.repeat(10_000_000), 502],
  ['something nested without end', `{"room_id":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 502],
])('survives a server that answers with %s', async (_what, body, status) => {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const odd = await FakeServer.start(world, 'odd.test')
  odd.answers.set('GET /_matrix/federation/v1/query/directory', () => ({ body }))
  const answer = await alice.request('GET', `/v3/directory/room/${encode('#room:odd.test')}`)
  expect([answer.status, answer.body.errcode]).toEqual([status, 'M_UNKNOWN'])
})

it('does not hand on what another server says of its own access', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const odd = await FakeServer.start(world, 'odd.test')
  const unknownToken = { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Log out!' } }
  odd.answers.set('GET /_matrix/federation/v1/query/directory', () => unknownToken)
  const answer = await alice.request('GET', `/v3/directory/room/${encode('#room:odd.test')}`)
  expect(answer.status).toBe(502)
  expect(JSON.stringify(answer.body)).not.toContain('Log out')
})
