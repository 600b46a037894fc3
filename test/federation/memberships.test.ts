import { describe, expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { joinVia, knockVia, membershipBecomes, membershipOf, pair, seen, until } from '../support/federated.ts'
import { pusherTo } from '../support/push-gateway.ts'

describe('invites across servers', () => {
  it.each(['1', '6', '10', '11', '12'])(
    'arrive with what the room is, and are accepted, in version %s',
    async (version) => {
      const { alice, bob } = await pair()
      const roomId = await alice.createRoom({ room_version: version, name: 'budget' })
      await alice.invite(roomId, bob.userId)
      const { rooms } = await bob.sync()
      const shown = rooms.invite[roomId].invite_state.events
      expect(shown.find(({ type }: { type: string }) => type === 'm.room.name').content.name).toBe('budget')
      await bob.join(roomId)
      await membershipBecomes(alice, roomId, bob.userId, 'join')
      await bob.send(roomId, 'here I am')
      await seen(alice, roomId, 'here I am')
    },
  )

  it('name the invited as their own server does', async () => {
    const { alice, bob } = await pair()
    await bob.put(`/v3/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: '박지우' })
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    const member = await alice.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}`)
    expect(member).toMatchObject({ membership: 'invite', displayname: '박지우' })
  })

  it('are rejected, and given again', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom()
    for (let times = 0; times < 2; times++) {
      await alice.invite(roomId, bob.userId)
      expect(Object.keys((await bob.sync()).rooms.invite)).toEqual([roomId])
      await bob.leave(roomId)
      expect(Object.keys((await bob.sync()).rooms.leave)).toEqual([roomId])
      await membershipBecomes(alice, roomId, bob.userId, 'leave')
    }
  })

  it('are rejected here when the server that gave them is away', async () => {
    const { world, one, alice, bob } = await pair()
    const roomId = await alice.createRoom()
    await alice.invite(roomId, bob.userId)
    world.network.cut(one.address)
    await one.close()
    await bob.sync()
    await bob.leave(roomId)
    expect(Object.keys((await bob.sync()).rooms.leave)).toEqual([roomId])
  })

  it('are pushed after a restart when they had not been looked at before it', async () => {
    const { two, alice, bob } = await pair()
    await bob.post('/v3/pushers/set', pusherTo('https://unreachable.test/_matrix/push/v1/notify'))
    await two.server.services.pushFeed.close()
    await alice.createRoom({ invite: [bob.userId] })
    const { pushFeed, pushSender } = (await two.restart()).server.services
    await pushFeed.idle()
    // Tried, and to be tried again.
    await expect.poll(() => pushSender.pausing).toBe(1)
  })

  it('are taken back by those who gave them', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom()
    await alice.invite(roomId, bob.userId)
    await bob.sync()
    await alice.post(`${roomPath(roomId)}/kick`, { user_id: bob.userId })
    await until(
      () => bob.sync(),
      ({ rooms }) => rooms?.leave?.[roomId] !== undefined,
    )
  })

  it('to a user who does not exist, or who refuses them, are refused', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom()
    const invite = (userId: string) => alice.request('POST', `${roomPath(roomId)}/invite`, { user_id: userId })
    expect(await invite('@nobody:two.test')).toMatchObject({ status: 403 })
    await bob.put(`/v3/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [alice.userId]: {} } })
    await invite(bob.userId)
    expect((await bob.sync()).rooms?.invite ?? {}).toEqual({})
  })

  it('go out with the creation of a room, and let a second user of the server in', async () => {
    const { two, alice, bob } = await pair()
    const roomId = await alice.createRoom({ invite: [bob.userId], is_direct: true, preset: 'trusted_private_chat' })
    await until(
      () => bob.sync(),
      ({ rooms }) => rooms?.invite?.[roomId] !== undefined,
    )
    await bob.join(roomId)
    const carol = await two.client.register('carol')
    await alice.invite(roomId, carol.userId)
    await until(
      () => carol.sync(),
      ({ rooms }) => rooms?.invite?.[roomId] !== undefined,
    )
    await carol.join(roomId)
    await membershipBecomes(alice, roomId, carol.userId, 'join')
  })
})

describe('leaving and being put out', () => {
  it('reaches the other server', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await joinVia(bob, roomId, 'one.test')
    await bob.leave(roomId)
    await membershipBecomes(alice, roomId, bob.userId, 'leave')
    await joinVia(bob, roomId, 'one.test')
    await bob.send(roomId, 'back again')
    await seen(alice, roomId, 'back again')
    await alice.post(`${roomPath(roomId)}/ban`, { user_id: bob.userId })
    await until(
      () => bob.sync(),
      ({ rooms }) => rooms?.leave?.[roomId] !== undefined,
    )
    expect((await bob.request('POST', `/v3/join/${roomId}?via=one.test`)).status).toBe(403)
    await alice.post(`${roomPath(roomId)}/unban`, { user_id: bob.userId })
    await joinVia(bob, roomId, 'one.test')
    await membershipBecomes(alice, roomId, bob.userId, 'join')
  })
})

describe('knocking across servers', () => {
  it('is refused where the room does not have it, and otherwise answered', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({ name: 'closed' })
    const refused = await bob.request('POST', `/v3/knock/${encodeURIComponent(roomId)}?via=one.test`, {})
    expect(refused.status).toBe(403)
    await alice.sendState(roomId, 'm.room.join_rules', { join_rule: 'knock' })
    await knockVia(bob, roomId, 'one.test')
    const shown = (await bob.sync()).rooms.knock[roomId].knock_state.events
    expect(shown.some(({ type }: { type: string }) => type === 'm.room.name')).toBe(true)
    expect(await membershipOf(alice, roomId, bob.userId)).toBe('knock')
    await bob.leave(roomId)
    await membershipBecomes(alice, roomId, bob.userId, 'leave')
    await knockVia(bob, roomId, 'one.test')
    await alice.invite(roomId, bob.userId)
    await bob.join(roomId)
    await membershipBecomes(alice, roomId, bob.userId, 'join')
  })
})

describe('restricted rooms across servers', () => {
  it('let members of another room in, through the server that may say so', async () => {
    const { world, alice, bob } = await pair()
    const three = await world.start('three.test')
    const carol = await three.client.register('carol')
    const lobby = await alice.createRoom({ preset: 'public_chat' })
    const allow = [{ type: 'm.room_membership', room_id: lobby, via: ['one.test'] }]
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      room_version: '10',
      power_level_content_override: { invite: 100 },
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }],
    })
    expect((await bob.request('POST', `/v3/join/${roomId}?via=one.test`)).status).toBe(403)
    await joinVia(bob, lobby, 'one.test')
    await joinVia(bob, roomId, 'one.test')
    await joinVia(carol, lobby, 'one.test')
    // Nobody on the second server may invite.
    expect((await carol.request('POST', `/v3/join/${roomId}?via=two.test`)).status).toBeGreaterThanOrEqual(400)
    await joinVia(carol, roomId, 'two.test', 'one.test')
    await membershipBecomes(bob, roomId, carol.userId, 'join')
    const member = await bob.get(`${roomPath(roomId)}/state/m.room.member/${carol.userId}`)
    expect(member.join_authorised_via_users_server).toBe(alice.userId)
    // Another user of a server that is in the room but cannot let anybody in.
    const dora = await three.client.register('dora')
    await joinVia(dora, lobby, 'one.test')
    await membershipBecomes(alice, lobby, dora.userId, 'join')
    await membershipBecomes(alice, lobby, dora.userId, 'join') // her own server let her in: the first must hear of it
    await joinVia(dora, roomId)
    await membershipBecomes(alice, roomId, dora.userId, 'join')
  })
})
