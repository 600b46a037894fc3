import { expect, it } from 'vitest'
import { type Answer, roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const stateOf = (user: User, roomId: string, type: string, key = ''): Promise<Answer['body']> =>
  user.get(`${roomPath(roomId)}/state/${type}/${encodeURIComponent(key)}`)
const upgrade = (user: User, roomId: string, body: object): Promise<Answer> =>
  user.request('POST', `${roomPath(roomId)}/upgrade`, body)

it('replaces a room by one that looks the same', async () => {
  const { client, server } = await startServer()
  const [alice, bob, carol] = [await client.register('alice'), await client.register('bob'), '@carol:example.org']
  const child = { via: ['example.org'] }
  const old = await alice.createRoom({
    visibility: 'public',
    room_version: '10',
    name: 'Plans',
    room_alias_name: 'plans',
    creation_content: { type: 'm.space' },
    initial_state: [{ type: 'm.space.child', state_key: '!child:example.org', content: child }],
  })
  await bob.join(old)
  await alice.post(`${roomPath(old)}/ban`, { user_id: carol })
  const replaced: string[] = []
  server.services.roomUpgrades.onReplaced((from, to) => replaced.push(from.roomId, to.roomId))
  const { replacement_room: next } = (await upgrade(alice, old, { new_version: '12' })).body
  expect(replaced).toEqual([old, next])
  const create = await stateOf(alice, next, 'm.room.create')
  expect(create).toMatchObject({ room_version: '12', type: 'm.space', predecessor: { room_id: old } })
  expect(create.predecessor.event_id).toBeUndefined()
  expect(await stateOf(alice, next, 'm.room.name')).toEqual({ name: 'Plans' })
  expect(await stateOf(alice, next, 'm.room.member', carol)).toMatchObject({ membership: 'ban' })
  expect(await stateOf(alice, next, 'm.space.child', '!child:example.org')).toEqual(child)
  expect(await stateOf(alice, next, 'm.room.canonical_alias')).toEqual({ alias: '#plans:example.org' })
  expect((await client.get(`/v3/directory/room/${encodeURIComponent('#plans:example.org')}`)).room_id).toBe(next)
  const { chunk } = await client.get('/v3/publicRooms')
  expect(chunk.map((room: { room_id: string }) => room.room_id)).toEqual([next])
  expect(await stateOf(alice, old, 'm.room.tombstone')).toMatchObject({ replacement_room: next })
  expect(await stateOf(alice, old, 'm.room.canonical_alias')).toEqual({})
  const message = await bob.request('PUT', `${roomPath(old)}/send/m.room.message/late`, { body: 'late' })
  expect(message.status).toBe(403)
  await bob.join(next)
})

it('names the last event of the room that a version before 12 replaces', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const old = await alice.createRoom({ room_version: '12' })
  const last = await alice.send(old, 'the last word')
  const { replacement_room: next } = (await upgrade(alice, old, { new_version: '11' })).body
  expect((await stateOf(alice, next, 'm.room.create')).predecessor).toEqual({ room_id: old, event_id: last })
  expect((await stateOf(alice, next, 'm.room.power_levels')).users).toEqual({ [alice.userId]: 150 })
})

it('takes along how members had muted the room, and their tags', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const old = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(old)
  const ruleOf = (kind: string, roomId: string) => `/v3/pushrules/global/${kind}/${encodeURIComponent(roomId)}`
  const named = (pattern: string) => [{ kind: 'event_match', key: 'room_id', pattern }]
  // Clients mute by a rule of this kind; one of the kind `room` asks for mentions only.
  await bob.put(ruleOf('override', old), { actions: [], conditions: named(old) })
  await bob.put(ruleOf('room', old), { actions: [] })
  await bob.put(`${ruleOf('room', old)}/enabled`, { enabled: false })
  await bob.put(`/v3/user/${bob.userId}/rooms/${encodeURIComponent(old)}/tags/m.favourite`, {})
  const { replacement_room: next } = (await upgrade(alice, old, { new_version: '11' })).body
  await bob.join(next)
  const tags = `/v3/user/${bob.userId}/rooms/${encodeURIComponent(next)}/tags`
  await expect.poll(async () => (await bob.get(tags)).tags).toEqual({ 'm.favourite': {} })
  expect(await bob.get(ruleOf('override', next))).toMatchObject({ enabled: true, conditions: named(next) })
  expect((await bob.request('GET', ruleOf('room', next))).status).toBe(404)
})

it('upgrades only for those who may, and only to versions there are', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const refused = async (user: User, version: string) => {
    const { status, body } = await upgrade(user, roomId, { new_version: version })
    return [status, body.errcode]
  }
  expect(await refused(bob, '11')).toEqual([403, 'M_FORBIDDEN'])
  expect(await refused(carol, '11')).toEqual([403, 'M_FORBIDDEN'])
  expect(await refused(alice, 'x')).toEqual([400, 'M_UNSUPPORTED_ROOM_VERSION'])
})

it.each([
  ['11', { bob: 100 }, undefined, undefined, {}],
  ['11', { bob: 100, carol: 100 }, undefined, undefined, { carol: 100 }],
  ['12', { bob: 150 }, ['carol'], ['carol'], {}],
  ['12', { bob: 150, carol: 50 }, ['carol'], ['carol'], {}],
] as const)(
  'carries power from version %s into 12: %o, creators %o',
  async (version, levels, named, creators, users) => {
    const { client } = await startServer()
    const names = ['alice', 'bob', 'carol'] as const
    const people = new Map<string, User>()
    for (const name of names) people.set(name, await client.register(name))
    const who = (name: string) => people.get(name) as User
    const ids = (of: object) => Object.fromEntries(Object.entries(of).map(([name, level]) => [who(name).userId, level]))
    const old = await who('alice').createRoom({ preset: 'public_chat', room_version: version })
    for (const name of ['bob', 'carol']) await who(name).join(old)
    await who('alice').sendState(old, 'm.room.power_levels', { users: ids(levels) })
    const { body } = await upgrade(who('bob'), old, {
      new_version: '12',
      ...(named && { additional_creators: named.map((name) => who(name).userId) }),
    })
    const next = body.replacement_room
    const create = await stateOf(who('bob'), next, 'm.room.create')
    expect(create.additional_creators).toEqual(creators?.map((name) => who(name).userId))
    expect((await stateOf(who('bob'), next, 'm.room.power_levels')).users).toEqual(ids(users))
  },
)
