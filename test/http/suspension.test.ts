import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { startServer } from '../support/server.ts'

it('a suspended account reads and leaves, and adds nothing', async () => {
  const { client, server } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await bob.createRoom({ preset: 'public_chat' })
  const other = await bob.createRoom({ preset: 'public_chat' })
  await alice.join(roomId)
  const mine = await alice.send(roomId, 'sorry')
  const { accounts } = server.services
  const { userNid } = await accounts.get('alice')
  await accounts.setSuspended(userNid, true)
  const room = roomPath(roomId)
  const refused = [
    ['PUT', `${room}/send/m.room.message/1`],
    ['PUT', `${room}/state/m.room.topic/`],
    ['POST', `${room}/invite`],
    ['POST', `${roomPath(other)}/join`],
    ['POST', `/v3/knock/${encodeURIComponent(other)}`],
    ['POST', '/v3/createRoom'],
  ] as const
  for (const [method, path] of refused) {
    const { status, body } = await alice.request(method, path, { user_id: bob.userId })
    expect([path, status, body.errcode]).toEqual([path, 403, 'M_USER_SUSPENDED'])
  }
  await alice.put(`${room}/redact/${encodeURIComponent(mine)}/2`)
  await alice.leave(roomId)
  await client.login('alice')
  await accounts.setSuspended(userNid, false)
  await alice.join(other)
})
