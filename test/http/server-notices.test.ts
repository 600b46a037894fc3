import { expect, it } from 'vitest'
import { administrator } from '../support/administrator.ts'
import { startServer } from '../support/server.ts'

const PATH = '/_synapse/admin/v1/send_server_notice'
const NOTICES = '@_server:example.org'

it('tells a user something in one room, which is tagged and whose invite cannot be rejected', async () => {
  const started = await startServer({
    config: { rooms: { encryption: 'forced' }, server_notices: { room_name: '서버 알림' } },
  })
  const { client, server } = started
  const admin = await administrator(started)
  const alice = await client.register('alice')
  const body = { user_id: alice.userId, content: { msgtype: 'm.text', body: '점검이 있습니다' } }
  expect((await alice.request('POST', PATH, {})).body.errcode).toBe('M_FORBIDDEN')

  // Whoever takes no invites from anybody still gets this one.
  await alice.put(`/v3/user/${alice.userId}/account_data/m.invite_permission_config`, { default_action: 'block' })
  const { event_id: eventId } = await admin.post(PATH, body)
  const { rooms } = await alice.get('/v3/sync')
  const [roomId = ''] = Object.keys(rooms.invite)
  expect(rooms.invite[roomId].invite_state.events).toContainEqual(expect.objectContaining({ sender: NOTICES }))
  const leaving = [
    await alice.request('POST', `/v3/rooms/${roomId}/leave`, {}),
    await alice.request('PUT', `/v3/rooms/${roomId}/state/m.room.member/${alice.userId}`, { membership: 'leave' }),
  ]
  for (const { status, body } of leaving) {
    expect([status, body.errcode]).toEqual([403, 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM'])
  }

  // Whoever is suspended is to learn why.
  const { accounts } = server.services
  const { userNid } = await accounts.get('alice')
  await accounts.setSuspended(userNid, true)
  await alice.post(`/v3/rooms/${roomId}/join`)
  await accounts.setSuspended(userNid, false)
  const { chunk } = await alice.get(`/v3/rooms/${roomId}/messages?dir=b&limit=5`)
  expect(chunk).toContainEqual(expect.objectContaining({ event_id: eventId, sender: NOTICES }))
  const { tags } = await alice.get(`/v3/user/${alice.userId}/rooms/${roomId}/tags`)
  expect(tags).toEqual({ 'm.server_notice': {} })
  expect((await alice.request('GET', `/v3/rooms/${roomId}/state/m.room.encryption`)).status).toBe(404)
  expect(await alice.get(`/v3/rooms/${roomId}/state/m.room.name`)).toEqual({ name: '서버 알림' })
  expect((await alice.request('PUT', `/v3/rooms/${roomId}/send/m.room.message/1`, body.content)).status).toBe(403)

  await alice.post(`/v3/rooms/${roomId}/leave`)
  const once = await admin.put(`${PATH}/1`, body)
  expect(await admin.put(`${PATH}/1`, body)).toEqual(once)
  expect(Object.keys((await alice.get('/v3/sync')).rooms.invite)).toEqual([roomId])

  const others = [
    ['@alice:elsewhere.org', 400],
    ['@nobody:example.org', 404],
    ['alice', 400],
  ] as const
  for (const [user, status] of others) {
    expect((await admin.request('POST', PATH, { ...body, user_id: user })).status, user).toBe(status)
  }
  await server.services.accounts.deactivate((await server.services.accounts.get('alice')).userNid, false)
  await server.services.deactivations.idle()
  expect((await admin.request('POST', PATH, body)).status).toBe(404)
})
