import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const PASSWORD = 'correct horse battery staple'
const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: PASSWORD }

it('a deactivated account leaves its rooms and refuses its invites', async () => {
  const { client, server } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const joined = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(joined)
  const invited = await bob.createRoom({ invite: [alice.userId] })
  await alice.post('/v3/account/deactivate', { auth })
  await server.services.deactivations.idle()
  for (const roomId of [joined, invited]) {
    const member = await bob.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(alice.userId)}`)
    expect(member.membership).toBe('leave')
  }
  expect((await bob.post('/v3/user_directory/search', { search_term: 'alice' })).results).toEqual([])
})

it('what a restart cut short goes on after it', async () => {
  const first = await startServer()
  const [alice, bob] = await first.client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  // The account ends in the database; whatever would take it out of its rooms is not told.
  await first.server.services.deactivations.close()
  await alice.post('/v3/account/deactivate', { auth })
  await first.server.close()
  const second = await startServer({ directory: first.directory })
  await second.server.services.deactivations.idle()
  const again = await second.client.login('bob')
  const member = await again.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(alice.userId)}`)
  expect(member.membership).toBe('leave')
})
