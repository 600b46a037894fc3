import { expect, it } from 'vitest'
import { type Answer, roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const stateOf = (user: User, roomId: string, type: string, key = ''): Promise<Answer['body']> =>
  user.get(`${roomPath(roomId)}/state/${type}/${encodeURIComponent(key)}`)

it('makes rooms as the presets say', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const expected = { private_chat: 'invite', trusted_private_chat: 'invite', public_chat: 'public' }
  for (const [preset, joinRule] of Object.entries(expected)) {
    const roomId = await alice.createRoom({ preset })
    expect(await stateOf(alice, roomId, 'm.room.join_rules')).toEqual({ join_rule: joinRule })
  }
  const shown = await alice.createRoom({ visibility: 'public' })
  expect(await stateOf(alice, shown, 'm.room.join_rules')).toEqual({ join_rule: 'public' })
  // Guests are kept out, for which it takes no event.
  expect((await alice.request('GET', `${roomPath(shown)}/state/m.room.guest_access/`)).status).toBe(404)
})

it('lets name and topic win over initial state, and initial state over the preset', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const state = (type: string, content: object) => ({ type, state_key: '', content })
  const roomId = await alice.createRoom({
    preset: 'public_chat',
    name: 'Planning',
    topic: 'This week',
    initial_state: [
      state('m.room.name', { name: 'Other' }),
      state('m.room.join_rules', { join_rule: 'invite' }),
      state('org.example', { a: 1 }),
    ],
  })
  expect(await stateOf(alice, roomId, 'm.room.name')).toEqual({ name: 'Planning' })
  expect(await stateOf(alice, roomId, 'm.room.topic')).toEqual({
    topic: 'This week',
    'm.topic': { 'm.text': [{ body: 'This week' }] },
  })
  expect(await stateOf(alice, roomId, 'm.room.join_rules')).toEqual({ join_rule: 'invite' })
  expect(await stateOf(alice, roomId, 'org.example')).toEqual({ a: 1 })
})

it('keeps creator and room version out of the creation content', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const creation_content = { room_version: 'mine', creator: '@me:elsewhere', test: 'yes' }
  const old = await stateOf(alice, await alice.createRoom({ room_version: '10', creation_content }), 'm.room.create')
  expect(old).toEqual({ room_version: '10', creator: alice.userId, test: 'yes' })
  const recent = await stateOf(alice, await alice.createRoom({ room_version: '11', creation_content }), 'm.room.create')
  expect(recent).toEqual({ room_version: '11', test: 'yes' })
})

it('says why a room cannot be made', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const refused = async (body: object) => {
    const { status, body: answer } = await alice.request('POST', '/v3/createRoom', body)
    return [status, answer.errcode]
  }
  expect(await refused({ room_version: 1 })).toEqual([400, 'M_BAD_JSON'])
  expect(await refused({ room_version: 'none' })).toEqual([400, 'M_UNSUPPORTED_ROOM_VERSION'])
  expect(await refused({ room_alias_name: 'a:b' })).toEqual([400, 'M_INVALID_PARAM'])
  expect(await refused({ room_version: '11', power_level_content_override: { users: {} }, name: 'x' })).toEqual([
    400,
    'M_INVALID_ROOM_STATE',
  ])
  expect(await refused({ power_level_content_override: { users: { [alice.userId]: 100 } } })).toEqual([
    400,
    'M_BAD_JSON',
  ])
  expect(await refused({ creation_content: { additional_creators: ['nobody'] } })).toEqual([400, 'M_INVALID_PARAM'])
  expect(await refused({ invite_3pid: [{ medium: 'email', address: 'a@b.example' }] })).toEqual([
    403,
    'M_THREEPID_DENIED',
  ])
  await alice.createRoom({ room_alias_name: 'taken' })
  expect(await refused({ room_alias_name: 'taken' })).toEqual([400, 'M_ROOM_IN_USE'])
  expect((await alice.get('/v3/joined_rooms')).joined_rooms).toHaveLength(1)
})

it('shares power with trusted invitees, in version 12 as creators', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = [await client.register('alice'), await client.register('bob'), '@carol:example.org']
  const body = { preset: 'trusted_private_chat', invite: [bob.userId], is_direct: true }
  const old = await alice.createRoom({ ...body, room_version: '11' })
  expect((await stateOf(alice, old, 'm.room.power_levels')).users).toEqual({ [alice.userId]: 100, [bob.userId]: 100 })
  expect(await stateOf(alice, old, 'm.room.member', bob.userId)).toMatchObject({
    membership: 'invite',
    is_direct: true,
  })
  const recent = await alice.createRoom({
    ...body,
    room_version: '12',
    creation_content: { additional_creators: [carol] },
  })
  expect((await stateOf(alice, recent, 'm.room.create')).additional_creators).toEqual([carol, bob.userId])
  const levels = await stateOf(alice, recent, 'm.room.power_levels')
  expect(levels.users).toEqual({})
  expect(levels.events['m.room.tombstone']).toBe(150)
  const path = `${roomPath(recent)}/state/m.room.power_levels`
  const named = await alice.request('PUT', path, { users: { [alice.userId]: 100 } })
  expect([named.status, named.body.errcode]).toEqual([400, 'M_BAD_JSON'])
  // Clients that do not know the version ask for it, and show people the answer.
  const founder = { room_version: '12', power_level_content_override: { users: { [alice.userId]: 101 } } }
  const refused = await alice.request('POST', '/v3/createRoom', founder)
  expect([refused.status, refused.body.errcode]).toEqual([400, 'M_BAD_JSON'])
  expect(refused.body.error).toContain('has all rights already')
  // A stranger does not learn who the creators are.
  const dave = await client.register('dave')
  expect((await dave.request('PUT', path, { users: { [alice.userId]: 100 } })).status).toBe(403)
})

it('sends messages once for each transaction id of a device', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const phone = await client.login('alice')
  const roomId = await alice.createRoom()
  const send = (user: User, room: string, body: string) =>
    user.put(`${roomPath(room)}/send/m.room.message/same`, { msgtype: 'm.text', body })
  const first = await send(alice, roomId, 'one')
  expect(await send(alice, roomId, 'two')).toEqual(first)
  expect(await send(phone, roomId, 'one')).not.toEqual(first)
  expect(await send(alice, await alice.createRoom(), 'one')).not.toEqual(first)
})

it('refuses content that no event may have', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom({ room_version: '6' })
  const refused = async (body: string) => {
    const answer = await alice.request('PUT', `${roomPath(roomId)}/send/org.example/${Math.random()}`, body)
    return [answer.status, answer.body.errcode]
  }
  for (const number of ['9007199254740992', '-9007199254740992', '1.1']) {
    expect(await refused(`{"body":${number}}`)).toEqual([400, 'M_BAD_JSON'])
  }
  expect(await refused('{"body":NaN}')).toEqual([400, 'M_NOT_JSON'])
  expect(await refused(JSON.stringify({ body: 'x'.repeat(65_536) }))).toEqual([413, 'M_TOO_LARGE'])
  const lenient = await alice.createRoom({ room_version: '5' })
  expect(await alice.send(lenient, { body: 1.5 })).toMatch(/^\$/)
})

it('treats redactions alike, however they are sent', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  for (const room_version of ['2', '10', '11', '12']) {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version })
    await bob.join(roomId)
    const redacted = [await alice.send(roomId, 'a'), await alice.send(roomId, 'b')]
    await alice.put(`${roomPath(roomId)}/redact/${encodeURIComponent(redacted[0] ?? '')}/r1`, { reason: 'mistake' })
    await alice.send(roomId, { redacts: redacted[1] }, 'm.room.redaction')
    for (const eventId of redacted) {
      const event = await bob.get(`${roomPath(roomId)}/event/${encodeURIComponent(eventId)}`)
      expect(event.content).toEqual({})
      expect(event.unsigned.redacted_because.redacts).toBe(eventId)
      expect(event.unsigned.redacted_because.content.redacts ?? eventId).toBe(eventId)
    }
    const other = await alice.send(roomId, 'c')
    const refused = await bob.request('PUT', `${roomPath(roomId)}/redact/${encodeURIComponent(other)}/r2`, {})
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  }
})

it('refuses a second create event', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  for (const room_version of ['11', '12']) {
    const roomId = await alice.createRoom({ room_version })
    const answer = await alice.request('PUT', `${roomPath(roomId)}/state/m.room.create/`, { room_version, a: 1 })
    expect(answer.status).toBe(400)
  }
})
