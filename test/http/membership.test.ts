import { expect, it } from 'vitest'
import { type Answer, type Client, roomPath, User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const post = (user: User, roomId: string, what: string, body: object = {}): Promise<Answer> =>
  user.request('POST', `${roomPath(roomId)}/${what}`, body)

const outcome = async (answer: Promise<Answer>) => {
  const { status, body } = await answer
  return status === 200 ? 200 : [status, body.errcode]
}

const membershipOf = async (viewer: User, roomId: string, userId: string) =>
  (await viewer.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`)).membership

const people = async (client: Client, ...names: string[]) => Promise.all(names.map((name) => client.register(name)))

it('lets in who is invited, and nobody else', async () => {
  const { client } = await startServer()
  const [alice, bob] = (await people(client, 'alice', 'bob')) as [User, User]
  const roomId = await alice.createRoom()
  expect(await outcome(post(bob, roomId, 'join'))).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(post(bob, roomId, 'invite', { user_id: bob.userId }))).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(post(alice, roomId, 'invite', { user_id: alice.userId }))).toEqual([403, 'M_FORBIDDEN'])
  await alice.invite(roomId, bob.userId)
  expect(await outcome(post(bob, roomId, 'join', { reason: 'You asked me' }))).toBe(200)
  expect(await outcome(post(bob, roomId, 'join'))).toBe(200)
  const member = await alice.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}`)
  expect(member).toMatchObject({ membership: 'join', reason: 'You asked me' })
  expect(await outcome(post(alice, roomId, 'invite', { user_id: bob.userId }))).toEqual([403, 'M_FORBIDDEN'])
  expect((await bob.get('/v3/joined_rooms')).joined_rooms).toEqual([roomId])
})

it('refuses invites by address, and of users of other servers', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  const threepid = { id_server: 'id.example', id_access_token: 'x', medium: 'email', address: 'bob@b.example' }
  expect(await outcome(post(alice, roomId, 'invite', threepid))).toEqual([403, 'M_THREEPID_DENIED'])
  expect(await outcome(post(alice, roomId, 'invite', { user_id: '@bob:b.example' }))).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(post(alice, roomId, 'invite', {}))).toEqual([400, 'M_MISSING_PARAM'])
})

it('kicks, bans and unbans whom the power levels allow', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = (await people(client, 'alice', 'bob', 'carol')) as [User, User, User]
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  const onBob = { user_id: bob.userId, reason: 'noise' }
  expect(await outcome(post(alice, roomId, 'kick', onBob))).toEqual([403, 'M_FORBIDDEN'])
  await bob.join(roomId)
  expect(await outcome(post(carol, roomId, 'ban', onBob))).toEqual([403, 'M_FORBIDDEN'])
  await carol.join(roomId)
  expect(await outcome(post(carol, roomId, 'kick', onBob))).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(post(alice, roomId, 'kick', onBob))).toBe(200)
  expect(await membershipOf(alice, roomId, bob.userId)).toBe('leave')
  expect(await outcome(post(alice, roomId, 'unban', onBob))).toEqual([403, 'M_BAD_STATE'])
  expect(await outcome(post(alice, roomId, 'ban', onBob))).toBe(200)
  expect(await outcome(post(bob, roomId, 'join'))).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(post(alice, roomId, 'unban', onBob))).toBe(200)
  expect(await outcome(post(bob, roomId, 'join'))).toBe(200)
})

it('lets people knock, and take it back', async () => {
  const { client } = await startServer()
  const [alice, bob] = (await people(client, 'alice', 'bob')) as [User, User]
  const roomId = await alice.createRoom({ room_version: '7' })
  const knock = () => bob.request('POST', `/v3/knock/${encodeURIComponent(roomId)}?server_name=a&server_name=b`, {})
  expect(await outcome(knock())).toEqual([403, 'M_FORBIDDEN'])
  await alice.sendState(roomId, 'm.room.join_rules', { join_rule: 'knock' })
  expect(await outcome(post(bob, roomId, 'join'))).toEqual([403, 'M_FORBIDDEN'])
  expect(await outcome(knock())).toBe(200)
  expect(await membershipOf(alice, roomId, bob.userId)).toBe('knock')
  await bob.leave(roomId)
  expect(await membershipOf(alice, roomId, bob.userId)).toBe('leave')
  expect(await outcome(knock())).toBe(200)
  await alice.invite(roomId, bob.userId)
  expect(await outcome(knock())).toEqual([403, 'M_FORBIDDEN'])
  await bob.join(roomId)
  expect(await outcome(knock())).toEqual([403, 'M_FORBIDDEN'])
})

it('admits members of another room where the join rule says so', async () => {
  const { client } = await startServer()
  const [alice, bob] = (await people(client, 'alice', 'bob')) as [User, User]
  const allowed = await alice.createRoom({ preset: 'public_chat' })
  const rule = (allow: unknown) => ({ join_rule: 'restricted', allow })
  const roomId = await alice.createRoom({
    room_version: '8',
    initial_state: [
      { type: 'm.room.join_rules', content: rule([{ type: 'm.room_membership', room_id: allowed, via: [] }]) },
    ],
  })
  expect(await outcome(post(bob, roomId, 'join'))).toEqual([403, 'M_FORBIDDEN'])
  await bob.join(allowed)
  await bob.join(roomId)
  const member = await alice.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}`)
  expect(member.join_authorised_via_users_server).toBe(alice.userId)
  await bob.sendState(
    roomId,
    'm.room.member',
    { membership: 'join', displayname: 'Bobby', join_authorised_via_users_server: 'unused' },
    bob.userId,
  )
  await bob.leave(roomId)
  for (const allow of [['invalid'], 'invalid']) {
    await alice.sendState(roomId, 'm.room.join_rules', rule(allow))
    expect(await outcome(post(bob, roomId, 'join'))).toEqual([403, 'M_FORBIDDEN'])
  }
})

it('forgets rooms that were left, and no others', async () => {
  const { client } = await startServer()
  const [alice, bob] = (await people(client, 'alice', 'bob')) as [User, User]
  const roomId = await alice.createRoom()
  expect(await outcome(post(alice, roomId, 'forget'))).toEqual([400, 'M_UNKNOWN'])
  expect(await outcome(post(bob, roomId, 'forget'))).toEqual([403, 'M_FORBIDDEN'])
  await alice.invite(roomId, bob.userId)
  await bob.leave(roomId)
  expect(await outcome(post(bob, roomId, 'forget'))).toBe(200)
  await alice.leave(roomId)
  expect(await outcome(post(alice, roomId, 'leave'))).toBe(200)
  expect(await outcome(post(alice, roomId, 'forget'))).toBe(200)
})

it('keeps guests out of rooms that are not open to them, also when they close', async () => {
  const { client, server } = await startServer()
  const alice = await client.register('alice')
  const made = await client.post('/v3/register?kind=guest')
  const guest = new User(client.url, made.access_token, made.user_id, made.device_id)
  const closed = await alice.createRoom({ preset: 'public_chat' })
  expect(await outcome(post(guest, closed, 'join'))).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN'])
  const open = await alice.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.guest_access', content: { guest_access: 'can_join' } }],
  })
  expect(await outcome(post(guest, open, 'join'))).toBe(200)
  await guest.send(open, 'hello')
  await alice.sendState(open, 'm.room.guest_access', { guest_access: 'forbidden' })
  await server.close()
  const { liveRooms } = server.services
  expect(liveRooms.peek(open)?.localJoined.has(guest.userId as `@${string}:${string}`)).toBe(false)
})

it('takes membership through the state endpoint for what it means', async () => {
  const { client } = await startServer()
  const [alice, bob] = (await people(client, 'alice', 'bob')) as [User, User]
  const roomId = await alice.createRoom()
  await alice.sendState(roomId, 'm.room.member', { membership: 'invite', reason: 'come' }, bob.userId)
  expect(await bob.sendState(roomId, 'm.room.member', { membership: 'join' }, bob.userId)).toMatch(/^\$/)
  await bob.sendState(roomId, 'm.room.member', { membership: 'leave' }, bob.userId)
  expect(await membershipOf(alice, roomId, bob.userId)).toBe('leave')
})
