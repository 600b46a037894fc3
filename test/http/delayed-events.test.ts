import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { RoomId, UserId } from '../../src/matrix/ids.ts'
import { DELAYED, txnAt } from '../../src/services/rooms/entry.ts'
import type { User } from '../support/client.ts'
import { openServer, startServer, type TestServer } from '../support/server.ts'

const EVENTS = '/unstable/org.matrix.msc4140/delayed_events'
const TYPE = 'org.matrix.msc3401.call.member'

const listOf = async (user: User) => (await user.get(EVENTS)).delayed_events
const leaveLater = (user: User, roomId: string, delay: number) =>
  user.put(`/v3/rooms/${roomId}/state/${TYPE}/_alice?org.matrix.msc4140.delay=${delay}`, { left: true })
const stateOf = (user: User, roomId: string) => user.request('GET', `/v3/rooms/${roomId}/state/${TYPE}/_alice`)

async function inRoom(config: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer(config)
  const alice = await server.client.register('alice')
  const { room_id: roomId } = await alice.post('/v3/createRoom', {})
  return { ...server, alice, roomId: roomId as string }
}

/** Moves the clock, and waits until only so many events wait. */
async function pass(clock: TestServer['clock'], alice: User, ms: number, left: number) {
  clock.advance(ms)
  await vi.waitFor(async () => expect(await listOf(alice)).toHaveLength(left), { timeout: 3000, interval: 10 })
}

it('sends a state event when its time has come, and not before', async () => {
  const { alice, roomId, clock } = await inRoom()
  const { delay_id: delayId } = await leaveLater(alice, roomId, 5000)
  expect(await listOf(alice)).toEqual([
    {
      delay_id: delayId,
      room_id: roomId,
      type: TYPE,
      state_key: '_alice',
      content: { left: true },
      delay: 5000,
      delay_ms: 5000,
      running_since: clock.now(),
      scheduled_at: clock.now(),
    },
  ])
  expect(await alice.get(`${EVENTS}/${delayId}`)).toMatchObject({ delay_id: delayId })
  await pass(clock, alice, 4999, 1)
  expect((await stateOf(alice, roomId)).status).toBe(404)
  await pass(clock, alice, 1, 0)
  expect((await stateOf(alice, roomId)).body).toEqual({ left: true })
})

it('begins the time anew for whoever knows the id, token or not', async () => {
  const { alice, roomId, clock, client } = await inRoom()
  const { delay_id: delayId } = await leaveLater(alice, roomId, 5000)
  await pass(clock, alice, 4000, 1)
  await client.post(`${EVENTS}/${delayId}/restart`)
  await pass(clock, alice, 4000, 1)
  await client.post(`${EVENTS}/${delayId}`, { action: 'restart' })
  await pass(clock, alice, 4999, 1)
  await pass(clock, alice, 1, 0)
  expect((await client.request('POST', `${EVENTS}/${delayId}/restart`, {})).status).toBe(404)
})

it('sends nothing that was cancelled, and at once what is asked for', async () => {
  const { alice, roomId, client } = await inRoom()
  const cancelled = await leaveLater(alice, roomId, 5000)
  await client.post(`${EVENTS}/${cancelled.delay_id}/cancel`)
  expect(await listOf(alice)).toEqual([])
  expect((await stateOf(alice, roomId)).status).toBe(404)

  const sent = await leaveLater(alice, roomId, 5000)
  await client.post(`${EVENTS}/${sent.delay_id}/send`)
  expect((await stateOf(alice, roomId)).body).toEqual({ left: true })
  for (const action of ['send', 'cancel', 'restart']) {
    expect((await client.request('POST', `${EVENTS}/${sent.delay_id}/${action}`, {})).status).toBe(404)
  }
  expect((await client.request('POST', `${EVENTS}/${sent.delay_id}/explode`, {})).status).toBe(404)
})

it('gives one delay id for one transaction id, and tells it to the sender alone', async () => {
  const { alice, roomId, client } = await inRoom({})
  const path = `/v3/rooms/${roomId}/send/m.room.message/t1?org.matrix.msc4140.delay=5000`
  const { delay_id: delayId } = await alice.put(path, { body: 'later', msgtype: 'm.text' })
  expect(await alice.put(path, {})).toEqual({ delay_id: delayId })
  const newest = `/unstable/org.matrix.msc4140/rooms/${roomId}/delayed_event/m.room.message/t2`
  await alice.put(newest, { delay_ms: 9000, content: { body: 'later still', msgtype: 'm.text' } })
  expect(await listOf(alice)).toHaveLength(2)
  const otherType = `/v3/rooms/${roomId}/send/m.sticker/t1?org.matrix.msc4140.delay=5000`
  expect((await alice.put(otherType, {})).delay_id).not.toBe(delayId)
  const bob = await client.register('bob')
  await alice.post(`/v3/rooms/${roomId}/invite`, { user_id: bob.userId })
  await bob.post(`/v3/rooms/${roomId}/join`)
  expect(await listOf(bob)).toEqual([])
  expect((await bob.request('GET', `${EVENTS}/${delayId}`)).status).toBe(404)

  await alice.post(`${EVENTS}/${delayId}/send`)
  const seenBy = async (user: User) => (await user.get(`/v3/rooms/${roomId}/messages?dir=b&limit=1`)).chunk[0]
  expect((await seenBy(alice)).unsigned['org.matrix.msc4140.delay_id']).toBe(delayId)
  expect((await seenBy(bob)).unsigned).not.toHaveProperty(['org.matrix.msc4140.delay_id'])
})

it('finds what it sent before it could forget it, instead of sending it again', async () => {
  const { alice, roomId, server } = await inRoom()
  const path = `/v3/rooms/${roomId}/send/m.room.message/t1?org.matrix.msc4140.delay=5000`
  const { delay_id: delayId } = await alice.put(path, { body: 'later', msgtype: 'm.text' })
  await alice.post(`${EVENTS}/${delayId}/send`)
  const newest = async () => (await alice.get(`/v3/rooms/${roomId}/messages?dir=b&limit=1`)).chunk[0].event_id
  const sent = await newest()
  // As after a crash between sending and deleting.
  const txn = txnAt('', { deviceNid: DELAYED }, delayId)
  const sender = { userId: alice.userId as UserId, isGuest: false, txn }
  const { eventId } = await server.services.sending.message(sender, roomId as RoomId, 'm.room.message', {})
  expect([eventId, await newest()]).toEqual([sent, sent])
})

it('says what it takes, and takes no more', async () => {
  const { alice, roomId, client } = await inRoom({
    config: { rooms: { delayed_events: { max_delay: '10s', max_per_user: 1 } } },
  })
  const { capabilities } = await alice.get('/v3/capabilities')
  expect(capabilities['org.matrix.msc4140.delayed_events']).toEqual({ max_delay_ms: 10_000, max_scheduled: 1 })
  const path = (delay: number | string) => `/v3/rooms/${roomId}/send/m.x/t${delay}?org.matrix.msc4140.delay=${delay}`
  expect((await alice.request('PUT', path(10_001), {})).body.errcode).toBe('M_FORBIDDEN')
  expect((await alice.request('PUT', path(0), {})).body.errcode).toBe('M_INVALID_PARAM')
  expect((await alice.request('PUT', path('soon'), {})).status).toBe(400)
  await alice.put(path(10_000), {})
  const refused = await alice.request('PUT', path(9000), {})
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
  const mallory = await client.register('mallory')
  expect((await mallory.request('PUT', path(5000), {})).status).toBe(403)
})

it('drops what may not be sent when its time comes', async () => {
  const { alice, roomId, clock, client } = await inRoom()
  const bob = await client.register('bob')
  await alice.post(`/v3/rooms/${roomId}/invite`, { user_id: bob.userId })
  await bob.post(`/v3/rooms/${roomId}/join`)
  const { delay_id: delayId } = await leaveLater(bob, roomId, 5000)
  const refused = await client.request('POST', `${EVENTS}/${delayId}/send`, {})
  expect(refused.body.errcode).toBe('M_FORBIDDEN')
  await pass(clock, bob, 5000, 0)
  expect((await stateOf(alice, roomId)).status).toBe(404)
})

it('takes who may say nothing any more out of a call all the same', async () => {
  const { alice, roomId, clock, server } = await inRoom()
  const member = `/v3/rooms/${roomId}/state/${TYPE}/_alice`
  await alice.put(member, { application: 'm.call' })
  await alice.put(`${member}?org.matrix.msc4140.delay=5000`, {})
  await leaveLater(alice, roomId, 5001)
  const { accounts } = server.services
  await accounts.setSuspended((await accounts.get('alice')).userNid, true)
  await pass(clock, alice, 5000, 1)
  expect((await stateOf(alice, roomId)).body).toEqual({})
  await pass(clock, alice, 1, 0)
  expect((await stateOf(alice, roomId)).body).toEqual({})
})

it('keeps what waits over a restart', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-delayed-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const before = await openServer({ directory })
  const alice = await before.client.register('alice')
  const { room_id: roomId } = await alice.post('/v3/createRoom', {})
  await leaveLater(alice, roomId, 5000)
  await alice.put(`/v3/rooms/${roomId}/send/m.x/t1?org.matrix.msc4140.delay=60000`, {})
  await before.close()
  before.clock.advance(6000)
  const after = await startServer({ directory, clock: before.clock })
  const again = alice.at(after)
  await vi.waitFor(async () => expect(await listOf(again)).toHaveLength(1), { timeout: 3000, interval: 10 })
  expect((await stateOf(again, roomId)).body).toEqual({ left: true })
})
