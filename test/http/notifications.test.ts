import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'
import { filter } from '../support/sync.ts'

async function room() {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  for (const user of [bob, carol]) await user.join(roomId)
  await bob.sync()
  return { alice, bob, roomId }
}

const ignore = (user: User, ...others: User[]) =>
  user.put(`/v3/user/${encodeURIComponent(user.userId)}/account_data/m.ignored_user_list`, {
    ignored_users: Object.fromEntries(others.map(({ userId }) => [userId, {}])),
  })

/** What a first sync says, so that each is counted; by thread where asked for. */
async function unread(user: User, roomId: string, byThread = false) {
  const params = byThread ? filter({ room: { timeline: { unread_thread_notifications: true } } }) : {}
  const answer = await user.sync({ ...params, since: '' })
  const { unread_notifications: main, unread_thread_notifications: threads } = answer.rooms.join[roomId]
  const pair = (count: { notification_count: number; highlight_count: number }) => [
    count.notification_count,
    count.highlight_count,
  ]
  if (!byThread) return pair(main)
  return {
    main: pair(main),
    ...Object.fromEntries(Object.entries(threads ?? {}).map(([id, c]) => [id, pair(c as never)])),
  }
}

const mention = (user: User) => ({ msgtype: 'm.text', body: 'you', 'm.mentions': { user_ids: [user.userId] } })
const inThread = (rootId: string, content: object = { msgtype: 'm.text', body: 'in a thread' }) => ({
  ...content,
  'm.relates_to': { rel_type: 'm.thread', event_id: rootId },
})
const read = (user: User, roomId: string, eventId: string, thread?: string) =>
  user.post(
    `${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`,
    thread === undefined ? {} : { thread_id: thread },
  )

describe('Unread notifications', () => {
  it('count what others say since the last receipt, mentions apart', async () => {
    const { alice, bob, roomId } = await room()
    expect(await unread(bob, roomId)).toEqual([0, 0])
    await alice.send(roomId, 'one')
    const second = await alice.send(roomId, mention(bob))
    await alice.send(roomId, { msgtype: 'm.notice', body: 'by a machine' })
    expect(await unread(bob, roomId)).toEqual([2, 1])
    expect(await unread(alice, roomId)).toEqual([0, 0])
    await read(bob, roomId, second)
    expect(await unread(bob, roomId)).toEqual([0, 0])
    await alice.send(roomId, 'three')
    expect(await unread(bob, roomId)).toEqual([1, 0])
    // Who writes has read.
    await bob.send(roomId, 'yes?')
    expect(await unread(bob, roomId)).toEqual([0, 0])
  })

  it('come with the event that changes them, and with the receipt that does', async () => {
    const { alice, bob, roomId } = await room()
    const eventId = await alice.send(roomId, 'one')
    const counts = async () => (await bob.sync()).rooms.join[roomId].unread_notifications.notification_count
    expect(await counts()).toBe(1)
    await read(bob, roomId, eventId)
    expect(await counts()).toBe(0)
  })

  it('are counted by thread, each with receipts of its own', async () => {
    const { alice, bob, roomId } = await room()
    const root = await alice.send(roomId, 'root')
    const reply = await alice.send(roomId, inThread(root))
    await alice.send(roomId, inThread(root, mention(bob)))
    await alice.send(roomId, 'main')
    expect(await unread(bob, roomId)).toEqual([4, 1])
    expect(await unread(bob, roomId, true)).toEqual({ main: [2, 0], [root]: [2, 1] })
    await read(bob, roomId, reply, root)
    expect(await unread(bob, roomId, true)).toEqual({ main: [2, 0], [root]: [1, 1] })
    await read(bob, roomId, root, 'main')
    expect(await unread(bob, roomId, true)).toEqual({ main: [1, 0], [root]: [1, 1] })
    await read(bob, roomId, await alice.send(roomId, 'last'))
    expect(await unread(bob, roomId, true)).toEqual({ main: [0, 0] })
  })

  it('follow the rules as they are now, and lose what is redacted', async () => {
    const { alice, bob, roomId } = await room()
    const eventId = await alice.send(roomId, 'one')
    await alice.send(roomId, 'two')
    expect(await unread(bob, roomId)).toEqual([2, 0])
    await alice.put(`${roomPath(roomId)}/redact/${encodeURIComponent(eventId)}/r1`)
    expect(await unread(bob, roomId)).toEqual([1, 0])
    const muted = `/v3/pushrules/global/room/${encodeURIComponent(roomId)}`
    await bob.put(muted, { actions: [] })
    expect(await unread(bob, roomId)).toEqual([0, 0])
    await bob.delete(muted)
    expect(await unread(bob, roomId)).toEqual([1, 0])
  })

  it('leave out whom the user ignores, for as long as that is', async () => {
    const { alice, bob, roomId } = await room()
    await alice.send(roomId, 'one')
    expect(await unread(bob, roomId)).toEqual([1, 0])
    await ignore(bob, alice)
    await alice.send(roomId, mention(bob))
    expect(await unread(bob, roomId)).toEqual([0, 0])
    await ignore(bob)
    expect(await unread(bob, roomId)).toEqual([2, 1])
  })

  it('look far back, beyond what memory holds of a room', async () => {
    const { alice, bob, roomId } = await room()
    await alice.send(roomId, mention(bob))
    for (let i = 0; i < 130; i++) await alice.send(roomId, `m${i}`)
    expect(await unread(bob, roomId)).toEqual([131, 1])
  })
})

describe('Listed notifications', () => {
  it('are none of whom the user ignores', async () => {
    const { alice, bob, roomId } = await room()
    await alice.send(roomId, mention(bob))
    await ignore(bob, alice)
    expect((await bob.get('/v3/notifications')).notifications).toEqual([])
  })

  it('are those of all rooms, newest first, page by page', async () => {
    const { alice, bob, roomId } = await room()
    const other = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(other)
    const first = await alice.send(roomId, 'first')
    const second = await alice.send(other, mention(bob))
    const third = await alice.send(roomId, 'third')
    await read(bob, roomId, first)
    const page = await bob.get('/v3/notifications?limit=2')
    const idsOf = (answer: { notifications: { event: { event_id: string } }[] }) =>
      answer.notifications.map((n) => n.event.event_id)
    expect(idsOf(page)).toEqual([third, second])
    expect(page.notifications[1]).toMatchObject({ room_id: other, read: false })
    const next = await bob.get(`/v3/notifications?limit=2&from=${page.next_token}`)
    expect(idsOf(next)).toEqual([first])
    expect(next.notifications[0].read).toBe(true)
    expect(next.next_token).toBeUndefined()
    expect(idsOf(await bob.get('/v3/notifications?only=highlight'))).toEqual([second])
    expect(idsOf(await alice.get('/v3/notifications'))).toEqual([])
  })
})
