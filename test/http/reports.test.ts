import { describe, expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { startServer } from '../support/server.ts'

async function aliceWhoReports() {
  const { client, server } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await bob.createRoom({ preset: 'private_chat' })
  const eventId = await bob.send(roomId, 'rude words')
  const report = (path: string, reason?: string) => alice.request('POST', `${path}/report`, reason ? { reason } : {})
  const kept = () => server.services.reports.list(0, 10)
  return { alice, bob, roomId, eventId, report, kept }
}

describe('A report', () => {
  it('of an event is kept with its reason, from whoever sees the event', async () => {
    const { alice, bob, roomId, eventId, report, kept } = await aliceWhoReports()
    const path = `${roomPath(roomId)}/report/${encodeURIComponent(eventId)}`
    expect(await alice.request('POST', path, { reason: 'hidden' })).toMatchObject({ status: 404 })
    await bob.invite(roomId, alice.userId)
    await alice.join(roomId)
    const seen = await bob.send(roomId, 'more rude words')
    const reported = await alice.request('POST', `${roomPath(roomId)}/report/${encodeURIComponent(seen)}`, {
      reason: '욕설',
    })
    expect(reported).toMatchObject({ status: 200, body: {} })
    expect(await kept()).toMatchObject([
      { reporter: alice.userId, room_id: roomId, event_id: seen, user_id: null, reason: '욕설' },
    ])
    expect((await report(`${roomPath(roomId)}`)).status).toBe(200)
  })

  it('of a room or a user is kept, also from outside; what does not exist is answered alike', async () => {
    const { alice, bob, roomId, report, kept } = await aliceWhoReports()
    expect((await report(roomPath(roomId), 'a strange room')).status).toBe(200)
    expect((await report(roomPath('!nothing:localhost'), 'no room')).status).toBe(200)
    expect((await report(`/v3/users/${encodeURIComponent(bob.userId)}`, 'a strange user')).status).toBe(200)
    expect((await report(`/v3/users/${encodeURIComponent('@nobody:localhost')}`, 'no user')).status).toBe(200)
    expect(await kept()).toMatchObject([
      { reporter: alice.userId, room_id: roomId, event_id: null, user_id: null, reason: 'a strange room' },
      { reporter: alice.userId, room_id: null, event_id: null, user_id: bob.userId, reason: 'a strange user' },
    ])
  })

  it('is one of fifty at once, whether there is what it is about or not', async () => {
    const { bob, roomId, report, kept } = await aliceWhoReports()
    const nobody = `/v3/users/${encodeURIComponent('@nobody:localhost')}`
    for (let i = 0; i < 50; i++) expect((await report(nobody)).status).toBe(200)
    for (const path of [nobody, `/v3/users/${encodeURIComponent(bob.userId)}`, roomPath(roomId)]) {
      expect(await report(path)).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } })
    }
    expect(await kept()).toEqual([])
  })
})
