import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'
import { SlidingClient } from '../support/sliding.ts'

const CHANGES = '/unstable/io.element.msc4308/thread_subscriptions?dir=b'
const EXTENSION = 'io.element.msc4308.thread_subscriptions'

const pathOf = (roomId: string, rootId: string) =>
  `/unstable/io.element.msc4306/rooms/${encodeURIComponent(roomId)}/thread/${encodeURIComponent(rootId)}/subscription`

const reply = (user: User, roomId: string, rootId: string, body = 'a reply') =>
  user.send(roomId, { msgtype: 'm.text', body, 'm.relates_to': { rel_type: 'm.thread', event_id: rootId } })

async function twoAndAThread() {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const rootId = await alice.send(roomId, 'what do you think?')
  return { client, alice, bob, roomId, rootId, path: pathOf(roomId, rootId) }
}

describe('A thread', () => {
  it('is followed, as the user wants or by itself, and no longer', async () => {
    const { alice, roomId, rootId, path } = await twoAndAThread()
    expect((await alice.request('GET', path)).status).toBe(404)
    const replyId = await reply(alice, roomId, rootId)
    await alice.put(path, { automatic: replyId })
    expect(await alice.get(path)).toEqual({ automatic: true })
    await alice.put(path)
    await alice.put(path, { automatic: replyId })
    expect(await alice.get(path)).toEqual({ automatic: false })
    await alice.delete(path)
    await alice.delete(path)
    expect((await alice.request('GET', path)).status).toBe(404)
  })

  it('is not followed by itself for what is not in it, or arrived before it was left', async () => {
    const { alice, roomId, rootId, path } = await twoAndAThread()
    const replyId = await reply(alice, roomId, rootId)
    const put = (automatic: string) => alice.request('PUT', path, { automatic })
    expect(await put(rootId)).toMatchObject({ status: 400, body: { errcode: 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD' } })
    await alice.put(path)
    await alice.delete(path)
    const errcode = 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION'
    expect(await put(replyId)).toMatchObject({ status: 409, body: { errcode } })
    expect((await put(await reply(alice, roomId, rootId))).status).toBe(200)
  })

  it('is not there for those who may not see it', async () => {
    const { client, path, alice, roomId } = await twoAndAThread()
    const carol = await client.register('carol')
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? {} : undefined
      expect((await carol.request(method, path, body)).status).toBe(404)
      expect((await alice.request(method, pathOf(roomId, '$nothing'), body)).status).toBe(404)
    }
  })

  it('that is followed notifies, one that was left does not, unless it mentions', async () => {
    const { alice, bob, roomId, rootId, path } = await twoAndAThread()
    const muted = { actions: [], conditions: [] }
    const counts = async () => (await bob.sync({ since: '' })).rooms.join[roomId].unread_notifications
    const readAll = async () => {
      const eventId = await bob.send(roomId, 'read')
      await bob.post(`${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`)
    }
    // Who has said nothing of any thread is notified as ever.
    await readAll()
    await reply(alice, roomId, rootId)
    expect(await counts()).toMatchObject({ notification_count: 1 })
    await bob.put(path)
    await bob.put(`/v3/pushrules/global/room/${encodeURIComponent(roomId)}`, muted)
    expect(await counts()).toMatchObject({ notification_count: 1 })
    await bob.delete(path)
    expect(await counts()).toMatchObject({ notification_count: 0 })
    const mention = { 'm.mentions': { user_ids: [bob.userId] }, msgtype: 'm.text', body: 'bob!' }
    await alice.send(roomId, { ...mention, 'm.relates_to': { rel_type: 'm.thread', event_id: rootId } })
    expect(await counts()).toMatchObject({ notification_count: 1, highlight_count: 1 })
  })

  it('has push rules that can be switched off, but not replaced', async () => {
    const { alice } = await twoAndAThread()
    const rule = '/v3/pushrules/global/postcontent/.io.element.msc4306.rule.unsubscribed_thread'
    expect(await alice.get(rule)).toMatchObject({ default: true, enabled: true, actions: [] })
    await alice.put(`${rule}/enabled`, { enabled: false })
    expect(await alice.get(rule)).toMatchObject({ enabled: false })
    const own = await alice.request('PUT', '/v3/pushrules/global/postcontent/own', { actions: [], conditions: [] })
    expect(own).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
  })
})

describe('Changes of what one follows', () => {
  it('come over sliding sync, to all devices, once', async () => {
    const { alice, roomId, rootId, path } = await twoAndAThread()
    const sliding = new SlidingClient(alice, { extensions: { [EXTENSION]: { enabled: true } } })
    expect((await sliding.sync()).extensions).toEqual({})
    const waiting = sliding.sync({}, 30_000)
    await alice.put(path)
    const { extensions } = await waiting
    expect(extensions[EXTENSION]).toEqual({
      subscribed: { [roomId]: { [rootId]: { automatic: false, bump_stamp: expect.any(Number) } } },
    })
    expect((await sliding.sync()).extensions).toEqual({})
    await alice.delete(path)
    expect((await sliding.sync()).extensions[EXTENSION]).toEqual({
      unsubscribed: { [roomId]: { [rootId]: { bump_stamp: expect.any(Number) } } },
    })
  })

  it('are paged through, latest first, back to where the client was', async () => {
    const { alice, roomId } = await twoAndAThread()
    const roots: string[] = []
    const follow = async () => {
      const rootId = await alice.send(roomId, 'root')
      roots.push(rootId)
      await alice.put(pathOf(roomId, rootId))
    }
    await follow()
    const sliding = new SlidingClient(alice, { extensions: { [EXTENSION]: { enabled: true, limit: 2 } } })
    await sliding.sync()
    const to = sliding.pos
    for (let i = 0; i < 5; i++) await follow()
    const { [EXTENSION]: newest } = (await sliding.sync()).extensions
    const idsOf = (page: { subscribed?: Record<string, object> }) => Object.keys(page.subscribed?.[roomId] ?? {})
    expect(idsOf(newest)).toEqual([roots[5], roots[4]])
    const second = await alice.get(`${CHANGES}&limit=2&from=${newest.prev_batch}&to=${to}`)
    expect(idsOf(second)).toEqual([roots[3], roots[2]])
    const third = await alice.get(`${CHANGES}&limit=2&from=${second.end}&to=${to}`)
    expect(idsOf(third)).toEqual([roots[1]])
    expect(third.end).toBeUndefined()
    expect(idsOf(await alice.get(CHANGES))).toHaveLength(6)
    expect(await alice.request('GET', `${CHANGES}&limit=0`)).toMatchObject({ status: 400 })
    expect(await alice.request('GET', CHANGES.replace('dir=b', 'dir=f'))).toMatchObject({ status: 400 })
  })
})
