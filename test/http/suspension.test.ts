import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { startServer } from '../support/server.ts'

it('a suspended account reads and leaves, and adds nothing', async () => {
  const { client, server } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await bob.createRoom({ preset: 'public_chat' })
  const other = await bob.createRoom({ preset: 'public_chat' })
  await alice.join(roomId)
  await bob.put(`${roomPath(roomId)}/state/m.room.power_levels/`, { users: { [alice.userId]: 100 } })
  const bobs = await bob.send(roomId, 'hello')
  const mine = await alice.send(roomId, 'sorry')
  const { accounts } = server.services
  const { userNid } = await accounts.get('alice')
  await accounts.setSuspended(userNid, true)
  const room = roomPath(roomId)
  const refused = [
    ['PUT', `${room}/send/m.room.message/1`],
    ['PUT', `${room}/state/m.room.topic/`],
    ['POST', `${room}/invite`],
    ['POST', `${room}/kick`],
    ['POST', `${room}/ban`],
    ['POST', `${room}/unban`],
    ['POST', `${room}/upgrade`],
    ['PUT', `${room}/redact/${encodeURIComponent(bobs)}/1`],
    ['POST', `${roomPath(other)}/join`],
    ['POST', `/v3/knock/${encodeURIComponent(other)}`],
    ['POST', '/v3/createRoom'],
    ['PUT', `/v3/directory/room/${encodeURIComponent('#mine:example.org')}`],
    ['PUT', `/v3/directory/list/room/${encodeURIComponent(roomId)}`],
  ] as const
  for (const [method, path] of refused) {
    const { status, body } = await alice.request(method, path, {
      user_id: bob.userId,
      room_id: roomId,
      new_version: '11',
    })
    expect([path, status, body.errcode]).toEqual([path, 403, 'M_USER_SUSPENDED'])
  }
  const about = { body: 'indeed', 'm.relates_to': { rel_type: 'm.reference', event_id: mine } }
  const bobsOwn = await bob.send(roomId, about)
  await alice.put(`${room}/redact/${encodeURIComponent(mine)}/2`, { with_rel_types: ['*'] })
  await server.services.relatedRedactions.idle()
  expect((await bob.get(`${room}/event/${encodeURIComponent(bobsOwn)}`)).content).toEqual(about)
  await alice.leave(roomId)
  await client.login('alice')
  await accounts.setSuspended(userNid, false)
  await alice.join(other)
})
