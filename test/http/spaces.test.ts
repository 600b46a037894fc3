import { describe, expect, it } from 'vitest'
import type { User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const SPACE = { creation_content: { type: 'm.space' } }
const OPEN = { preset: 'public_chat' }
const visible = (visibility: string) => ({
  initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: visibility } }],
})

const link = (user: User, space: string, child: string, more: object = {}) =>
  user.sendState(space, 'm.space.child', { via: ['example.org'], ...more }, child)

const path = (roomId: string, query: Record<string, string> = {}) =>
  `/v1/rooms/${encodeURIComponent(roomId)}/hierarchy?${new URLSearchParams(query)}`

const roomsIn = (page: { rooms: { room_id: string }[] }) => page.rooms.map((room) => room.room_id)
const walk = async (user: User, roomId: string, query: Record<string, string> = {}) =>
  roomsIn(await user.get(path(roomId, query)))
const summaryPath = (room: string) => `/v1/room_summary/${encodeURIComponent(room)}`

async function pair() {
  const { client, clock } = await startServer()
  return { client, clock, alice: await client.register('alice'), bob: await client.register('bob') }
}

/** root → one, branch → leaf, two. */
async function tree(alice: User) {
  const root = await alice.createRoom({ ...OPEN, ...SPACE, name: 'Root' })
  const one = await alice.createRoom({ ...OPEN, name: 'One' })
  const branch = await alice.createRoom({ ...OPEN, ...SPACE, name: 'Branch' })
  const leaf = await alice.createRoom({ ...OPEN, name: 'Leaf' })
  const two = await alice.createRoom({ ...OPEN, name: 'Two' })
  await link(alice, root, one, { order: 'a', suggested: true })
  await link(alice, root, branch, { order: 'b' })
  await link(alice, root, two, { order: 'c', suggested: true })
  await link(alice, branch, leaf)
  return { root, one, branch, leaf, two }
}

describe('the hierarchy of a space', () => {
  it('is walked depth first, in the order that the space gives', async () => {
    const { alice } = await pair()
    const { root, one, branch, leaf, two } = await tree(alice)
    const { rooms } = await alice.get(path(root))
    expect(roomsIn({ rooms })).toEqual([root, one, branch, leaf, two])
    expect(rooms[0]).toMatchObject({ name: 'Root', room_type: 'm.space', num_joined_members: 1 })
    expect(rooms[0].children_state.map((event: { state_key: string }) => event.state_key)).toEqual([one, branch, two])
    expect(rooms[1].children_state).toEqual([])
  })

  it('puts children without an order last, and keeps to what was suggested and how deep was asked', async () => {
    const { alice, clock } = await pair()
    const { root, one, branch, two } = await tree(alice)
    await link(alice, root, one, { suggested: true })
    clock.advance(1_000)
    await link(alice, root, two, { order: 'not\u00e9' })
    expect(await walk(alice, root, { max_depth: '1' })).toEqual([root, branch, one, two])
    expect(await walk(alice, root, { suggested_only: 'true' })).toEqual([root, one])
    expect(await walk(alice, root, { max_depth: '0' })).toEqual([root])
  })

  it('comes in pages whose token is the asker’s, cannot change its mind, and runs out', async () => {
    const { alice, bob, clock } = await pair()
    const { root, one, branch, leaf, two } = await tree(alice)
    const first = await alice.get(path(root, { limit: '3' }))
    expect(roomsIn(first)).toEqual([root, one, branch])
    const from = first.next_batch
    const second = await alice.get(path(root, { from }))
    expect(roomsIn(second)).toEqual([leaf, two])
    expect(second.next_batch).toBeUndefined()
    expect(await walk(alice, root, { from })).toEqual([leaf, two])
    const refused = async (user: User, query: Record<string, string>) =>
      (await user.request('GET', path(root, query))).body.errcode
    expect(await refused(bob, { from })).toBe('M_INVALID_PARAM')
    expect(await refused(alice, { from, max_depth: '1' })).toBe('M_INVALID_PARAM')
    expect(await refused(alice, { from: 'made-up' })).toBe('M_INVALID_PARAM')
    expect(await refused(alice, { limit: '0' })).toBe('M_INVALID_PARAM')
    clock.advance(11 * 60_000)
    expect(await refused(alice, { from })).toBe('M_INVALID_PARAM')
  })

  it('breaks loops and drops links that were taken back', async () => {
    const { alice } = await pair()
    const { root, one, branch, two } = await tree(alice)
    await link(alice, branch, root)
    expect(await walk(alice, root)).toHaveLength(5)
    await alice.sendState(root, 'm.space.child', {}, branch)
    expect(await walk(alice, root)).toEqual([root, one, two])
  })

  it('shows a private room only to those who are in it or invited', async () => {
    const { alice, bob } = await pair()
    const root = await alice.createRoom({ ...OPEN, ...SPACE })
    const hidden = await alice.createRoom({ preset: 'private_chat' })
    const readable = await alice.createRoom({ preset: 'private_chat', ...visible('world_readable') })
    await link(alice, root, hidden, { order: 'a' })
    await link(alice, root, readable, { order: 'b' })
    expect(await walk(alice, root)).toEqual([root, hidden, readable])
    expect(await walk(bob, root)).toEqual([root, readable])
    await alice.invite(hidden, bob.userId)
    expect(await walk(bob, root)).toEqual([root, hidden, readable])
    await bob.leave(hidden)
    expect(await walk(bob, root)).toEqual([root, readable])
  })

  it('shows a restricted room to members of the rooms that admit to it', async () => {
    const { alice, bob } = await pair()
    const root = await alice.createRoom({ ...OPEN, ...SPACE })
    const content = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: root }] }
    const room = await alice.createRoom({ initial_state: [{ type: 'm.room.join_rules', state_key: '', content }] })
    await link(alice, root, room)
    expect(await walk(bob, root)).toEqual([root])
    await bob.join(root)
    expect(await walk(bob, root)).toEqual([root, room])
  })

  it('refuses a root that the user may not see as one that does not exist', async () => {
    const { alice, bob } = await pair()
    const root = await alice.createRoom({ preset: 'private_chat', ...SPACE })
    const hidden = await bob.request('GET', path(root))
    expect(hidden.status).toBe(403)
    expect((await bob.request('GET', path('!nothing'))).body).toEqual(hidden.body)
  })
})

describe('a room’s summary', () => {
  it('tells what the room is and how the user stands to it, under its old names too', async () => {
    const { alice, bob } = await pair()
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
    const body = { ...OPEN, room_alias_name: 'budget', name: 'Budget', room_version: '11', initial_state: [encryption] }
    const room = await alice.createRoom(body)
    const summary = await bob.get(summaryPath('#budget:example.org'))
    expect(summary).toMatchObject({ room_id: room, name: 'Budget', join_rule: 'public', membership: 'leave' })
    expect(summary).toMatchObject({ encryption: 'm.megolm.v1.aes-sha2', room_version: '11' })
    expect((await alice.get(summaryPath(room))).membership).toBe('join')
    const old = await bob.get(`/unstable/im.nheko.summary/summary/${encodeURIComponent(room)}`)
    expect(old).toMatchObject({ room_id: room, 'im.nheko.summary.version': '11' })
    expect(await bob.get(`/unstable/im.nheko.summary/rooms/${encodeURIComponent(room)}/summary`)).toEqual(old)
  })

  it('is there for strangers where anybody may join, and for nobody else', async () => {
    const { client, alice, bob } = await pair()
    const open = await alice.createRoom(OPEN)
    const hidden = await alice.createRoom({ preset: 'private_chat' })
    const forStranger = await client.get(summaryPath(open))
    expect(forStranger).toMatchObject({ room_id: open })
    expect(forStranger).not.toHaveProperty('membership')
    for (const asker of [client, bob]) {
      const refused = await asker.request('GET', summaryPath(hidden))
      expect(refused.status).toBe(404)
      expect((await asker.request('GET', summaryPath('!nothing'))).body).toEqual(refused.body)
    }
  })
})
