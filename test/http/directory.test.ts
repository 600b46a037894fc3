import { expect, it } from 'vitest'
import { administrator } from '../support/administrator.ts'
import { type Answer, roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const aliasPath = (alias: string) => `/v3/directory/room/${encodeURIComponent(alias)}`
const outcome = async (answer: Promise<Answer>) => {
  const { status, body } = await answer
  return status === 200 ? 200 : [status, body.errcode]
}
const setAlias = (user: User, alias: string, roomId: string) =>
  outcome(user.request('PUT', aliasPath(alias), { room_id: roomId }))
const canonical = (user: User, roomId: string, content: object) =>
  outcome(user.request('PUT', `${roomPath(roomId)}/state/m.room.canonical_alias`, content))

it('leads from an alias to its room, in any form of Unicode', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  const alias = '#회의실:example.org'
  expect(await setAlias(alice, alias.normalize('NFD'), roomId)).toBe(200)
  expect(await client.get(aliasPath(alias))).toEqual({ room_id: roomId, servers: ['example.org'] })
  expect(await setAlias(alice, alias, await alice.createRoom())).toEqual([409, 'M_UNKNOWN'])
  expect((await alice.get(`${roomPath(roomId)}/aliases`)).aliases).toEqual([alias])
  expect(await alice.join(alias)).toBe(roomId)
  expect(await outcome(client.request('GET', aliasPath('#none:example.org')))).toEqual([404, 'M_NOT_FOUND'])
  expect(await setAlias(alice, '#a:elsewhere.example', roomId)).toEqual([400, 'M_INVALID_PARAM'])
})

it('has so many aliases of one room, and no more', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const [roomId, other] = [await alice.createRoom(), await alice.createRoom()]
  for (let i = 0; i < 100; i++) expect(await setAlias(alice, `#a${i}:example.org`, roomId)).toBe(200)
  expect(await setAlias(alice, '#more:example.org', roomId)).toEqual([400, 'M_LIMIT_EXCEEDED'])
  expect(await setAlias(alice, '#more:example.org', other)).toBe(200)
})

it('lets members take aliases, and give up their own', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  expect(await setAlias(bob, '#bobs:example.org', roomId)).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(bob.request('GET', `${roomPath(roomId)}/aliases`))).toEqual([403, 'M_FORBIDDEN'])
  await bob.join(roomId)
  expect(await setAlias(bob, '#bobs:example.org', roomId)).toBe(200)
  expect(await setAlias(alice, '#alices:example.org', roomId)).toBe(200)
  expect(await outcome(bob.request('DELETE', aliasPath('#alices:example.org')))).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(bob.request('DELETE', aliasPath('#bobs:example.org')))).toBe(200)
  expect(await outcome(bob.request('DELETE', aliasPath('#bobs:example.org')))).toEqual([404, 'M_NOT_FOUND'])
})

it('takes a deleted alias out of the canonical alias', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom({ room_alias_name: 'one' })
  await setAlias(alice, '#two:example.org', roomId)
  const path = `${roomPath(roomId)}/state/m.room.canonical_alias`
  expect(await canonical(alice, roomId, { alias: '#one:example.org', alt_aliases: ['#two:example.org'] })).toBe(200)
  await alice.delete(aliasPath('#two:example.org'))
  expect(await alice.get(path)).toEqual({ alias: '#one:example.org' })
  await alice.delete(aliasPath('#one:example.org'))
  expect(await alice.get(path)).toEqual({})
})

it('lets a room call its own only aliases that lead to it', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom({ room_alias_name: 'mine' })
  await alice.createRoom({ room_alias_name: 'other' })
  expect(await canonical(alice, roomId, { alias: '#none:example.org' })).toEqual([400, 'M_BAD_ALIAS'])
  expect(await canonical(alice, roomId, { alias: '#other:example.org' })).toEqual([400, 'M_BAD_ALIAS'])
  expect(await canonical(alice, roomId, { alias: '%mine:example.org' })).toEqual([400, 'M_INVALID_PARAM'])
  const wrong = { alias: '#mine:example.org', alt_aliases: ['#other:example.org'] }
  expect(await canonical(alice, roomId, wrong)).toEqual([400, 'M_BAD_ALIAS'])
  expect(await canonical(alice, roomId, { ...wrong, alt_aliases: 'text' })).toEqual([400, 'M_BAD_JSON'])
  expect(await canonical(alice, roomId, { ...wrong, alt_aliases: ['#mine:example.org'] })).toBe(200)
  const initial_state = [{ type: 'm.room.canonical_alias', content: { alias: '#mine:example.org' } }]
  expect(await outcome(alice.request('POST', '/v3/createRoom', { initial_state }))).toEqual([400, 'M_BAD_ALIAS'])
})

it('lists what is published, largest first, page by page', async () => {
  const started = await startServer()
  const { client } = started
  const [alice, bob] = await client.registerAll('alice', 'bob')
  expect((await client.get('/v3/publicRooms')).chunk).toEqual([])
  const small = await alice.createRoom({ visibility: 'public', name: 'Small', room_alias_name: 'small' })
  const large = await alice.createRoom({ visibility: 'public', name: 'Large', topic: 'Wombles' })
  const hidden = await alice.createRoom({ preset: 'public_chat', name: 'Hidden' })
  await bob.join(large)
  const first = await client.get('/v3/publicRooms?limit=1')
  expect(first.chunk).toEqual([
    {
      room_id: large,
      name: 'Large',
      topic: 'Wombles',
      num_joined_members: 2,
      world_readable: false,
      guest_can_join: false,
      join_rule: 'public',
    },
  ])
  expect(first.total_room_count_estimate).toBe(2)
  const second = await client.get(`/v3/publicRooms?since=${first.next_batch}`)
  expect(second.chunk).toMatchObject([{ room_id: small, canonical_alias: '#small:example.org' }])
  expect(second.next_batch).toBeUndefined()
  expect(await outcome(client.request('GET', '/v3/publicRooms?since=x'))).toEqual([400, 'M_INVALID_PARAM'])
  await alice.put(`/v3/directory/list/room/${encodeURIComponent(large)}`, { visibility: 'private' })
  await alice.put(`/v3/directory/list/room/${encodeURIComponent(hidden)}`, { visibility: 'public' })
  const path = `/v3/directory/list/room/${encodeURIComponent(hidden)}`
  expect(await client.get(path)).toEqual({ visibility: 'public' })
  const now = await client.get('/v3/publicRooms')
  expect(now.chunk.map((room: { room_id: string }) => room.room_id)).toEqual([small, hidden])
  expect(await outcome(bob.request('PUT', path, { visibility: 'private' }))).toEqual([403, 'M_FORBIDDEN'])
  const admin = await administrator(started)
  expect(await outcome(admin.request('PUT', path, { visibility: 'private' }))).toBe(200)
})

it('finds published rooms by their words and types, as they change', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom({ visibility: 'public', name: '예산 회의' })
  const space = await alice.createRoom({ visibility: 'public', creation_content: { type: 'm.space' } })
  const search = async (filter: object) =>
    (await alice.post('/v3/publicRooms', { filter })).chunk.map((room: { room_id: string }) => room.room_id)
  expect(await search({ generic_search_term: '예산'.normalize('NFD') })).toEqual([roomId])
  expect(await search({ generic_search_term: '산회' })).toEqual([roomId])
  expect(await search({ generic_search_term: 'ㅇㅅㅎㅇ' })).toEqual([roomId])
  expect(await search({ room_types: ['m.space'] })).toEqual([space])
  expect(await search({ room_types: [null] })).toEqual([roomId])
  expect(await search({ generic_search_term: 'wombles' })).toEqual([])
  await alice.sendState(space, 'm.room.topic', { topic: 'All WOMBLES' })
  expect(await search({ generic_search_term: 'wombles', room_types: ['m.space', null] })).toEqual([space])
})
