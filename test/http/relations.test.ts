import { expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const v1 = (roomId: string) => `/v1/rooms/${encodeURIComponent(roomId)}`
const idsOf = (events: { event_id: string }[]) => events.map((event) => event.event_id)
const relation = (rel_type: string, event_id: string, more: object = {}) => ({
  msgtype: 'm.text',
  body: rel_type,
  'm.relates_to': { rel_type, event_id },
  ...more,
})
const edit = (event_id: string, body: string) => relation('m.replace', event_id, { 'm.new_content': { body } })

async function setUp() {
  const { client, clock } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const root = await alice.send(roomId, 'root')
  const bundle = async (user: User, id = root) =>
    (await user.get(`${roomPath(roomId)}/event/${id}`)).unsigned['m.relations']
  return { client, clock, alice, bob, roomId, root, bundle }
}

it('lists the children of an event by type, in pages, in both directions', async () => {
  const { alice, roomId, root } = await setUp()
  const ids: string[] = []
  for (let index = 0; index < 5; index++) ids.push(await alice.send(roomId, relation('m.thread', root)))
  const other = await alice.send(roomId, { 'm.relates_to': { rel_type: 'm.thread', event_id: root } }, 'm.dummy')
  const reference = await alice.send(roomId, relation('m.reference', root))
  const path = `${v1(roomId)}/relations/${root}`
  const all = await alice.get(path)
  expect(idsOf(all.chunk)).toEqual([reference, other, ...ids.toReversed()])
  expect(all).not.toHaveProperty('next_batch')
  expect(all).not.toHaveProperty('recursion_depth')
  expect(idsOf((await alice.get(`${path}/m.thread`)).chunk)).toEqual([other, ...ids.toReversed()])
  expect(idsOf((await alice.get(`${path}/m.thread/m.dummy`)).chunk)).toEqual([other])
  expect((await alice.get(`${path}/never.heard.of`)).chunk).toEqual([])
  const first = await alice.get(`${path}/m.thread/m.room.message?limit=2`)
  expect(idsOf(first.chunk)).toEqual([ids[4], ids[3]])
  const second = await alice.get(`${path}/m.thread/m.room.message?limit=2&from=${first.next_batch}`)
  expect(idsOf(second.chunk)).toEqual([ids[2], ids[1]])
  expect(second.prev_batch).toBe(first.next_batch)
  const third = await alice.get(`${path}/m.thread/m.room.message?limit=2&from=${second.next_batch}`)
  expect(idsOf(third.chunk)).toEqual([ids[0]])
  expect(third).not.toHaveProperty('next_batch')
  const forwards = await alice.get(`${path}?dir=f&limit=3`)
  expect(idsOf(forwards.chunk)).toEqual(ids.slice(0, 3))
  expect(idsOf((await alice.get(`${path}?dir=f&limit=3&from=${forwards.next_batch}`)).chunk)).toEqual([
    ids[3],
    ids[4],
    other,
  ])
  expect(idsOf((await alice.get(`${path}?dir=f&to=${forwards.next_batch}`)).chunk)).toEqual(ids.slice(0, 3))
})

it('follows relations of relations when asked to, and says how deep it went', async () => {
  const { alice, roomId, root } = await setUp()
  const reply = await alice.send(roomId, relation('m.thread', root))
  const reaction = await alice.send(
    roomId,
    { 'm.relates_to': { rel_type: 'm.annotation', event_id: reply, key: '👍' } },
    'm.reaction',
  )
  const about = await alice.send(roomId, relation('m.reference', reaction))
  const path = `${v1(roomId)}/relations/${root}`
  const all = await alice.get(`${path}?recurse=true`)
  expect(idsOf(all.chunk)).toEqual([about, reaction, reply])
  expect(all.recursion_depth).toBeGreaterThanOrEqual(3)
  expect(idsOf((await alice.get(`${path}/m.annotation?recurse=true`)).chunk)).toEqual([reaction])
  const page = await alice.get(`${path}?recurse=true&limit=1`)
  expect(idsOf((await alice.get(`${path}?recurse=true&limit=1&from=${page.next_batch}`)).chunk)).toEqual([reaction])
})

it('bundles the latest edit by the sender, and no other', async () => {
  const { alice, bob, clock, roomId, root, bundle } = await setUp()
  expect(await bundle(alice)).toBeUndefined()
  await bob.send(roomId, edit(root, 'not mine to edit'))
  await alice.send(roomId, relation('m.replace', root), 'm.sticker')
  expect(await bundle(alice)).toBeUndefined()
  await alice.send(roomId, edit(root, 'first'))
  clock.advance(10)
  const latest = await alice.send(roomId, edit(root, 'second'))
  expect(await bundle(bob)).toMatchObject({
    'm.replace': { event_id: latest, sender: alice.userId, content: { 'm.new_content': { body: 'second' } } },
  })
  expect((await bob.get(`${roomPath(roomId)}/event/${root}`)).content.body).toBe('root')
  await alice.put(`${roomPath(roomId)}/redact/${latest}/r1`, {})
  expect((await bundle(bob))['m.replace'].content['m.new_content'].body).toBe('first')
  await alice.put(`${roomPath(roomId)}/redact/${root}/r2`, {})
  expect(await bundle(bob)).toBeUndefined()
})

it('bundles references', async () => {
  const { alice, bob, roomId, root, bundle } = await setUp()
  const [one, two] = [
    await alice.send(roomId, relation('m.reference', root)),
    await bob.send(roomId, relation('m.reference', root)),
  ]
  expect(await bundle(bob)).toEqual({ 'm.reference': { chunk: [{ event_id: one }, { event_id: two }] } })
  await alice.put(`${roomPath(roomId)}/redact/${one}/r1`, {})
  expect(await bundle(bob)).toEqual({ 'm.reference': { chunk: [{ event_id: two }] } })
})

it('bundles a thread: how many replies, the latest with its edit, who took part', async () => {
  const { client, alice, bob, roomId, root, bundle } = await setUp()
  const carol = await client.register('carol')
  await carol.join(roomId)
  const first = await bob.send(roomId, relation('m.thread', root))
  const latest = await bob.send(roomId, relation('m.thread', root))
  await bob.send(roomId, edit(latest, 'edited'))
  const thread = (await bundle(carol))['m.thread']
  expect(thread).toMatchObject({
    count: 2,
    current_user_participated: false,
    latest_event: { event_id: latest, room_id: roomId, unsigned: { 'm.relations': { 'm.replace': {} } } },
  })
  expect((await bundle(alice))['m.thread'].current_user_participated).toBe(true)
  expect((await bundle(bob))['m.thread'].current_user_participated).toBe(true)
  await bob.put(`${roomPath(roomId)}/redact/${latest}/r1`, {})
  expect((await bundle(carol))['m.thread']).toMatchObject({ count: 1, latest_event: { event_id: first } })
  await bob.put(`${roomPath(roomId)}/redact/${first}/r2`, {})
  expect(await bundle(carol)).toBeUndefined()
})

it('lets nobody see through an aggregation what came after they had left', async () => {
  const { alice, bob, roomId, root, bundle } = await setUp()
  const before = await alice.send(roomId, relation('m.thread', root))
  await bob.leave(roomId)
  await alice.send(roomId, relation('m.thread', root))
  await alice.send(roomId, edit(root, 'later'))
  await alice.send(roomId, relation('m.reference', root))
  const bundled = await bundle(bob)
  expect(Object.keys(bundled)).toEqual(['m.thread'])
  expect(bundled['m.thread']).toMatchObject({ count: 1, latest_event: { event_id: before } })
  expect(idsOf((await bob.get(`${v1(roomId)}/relations/${root}`)).chunk)).toEqual([before])
  expect(idsOf((await bob.get(`${v1(roomId)}/threads`)).chunk)).toEqual([root])
})

it('lists threads by their latest reply, in pages, and those that the user took part in', async () => {
  const { alice, bob, roomId } = await setUp()
  const [one, two, three] = [await alice.send(roomId, '1'), await bob.send(roomId, '2'), await bob.send(roomId, '3')]
  for (const root of [one, two, three, one]) await bob.send(roomId, relation('m.thread', root))
  const path = `${v1(roomId)}/threads`
  const all = await alice.get(path)
  expect(idsOf(all.chunk)).toEqual([one, three, two])
  expect(all.chunk[0].unsigned['m.relations']['m.thread'].count).toBe(2)
  const page = await alice.get(`${path}?limit=2`)
  expect(idsOf(page.chunk)).toEqual([one, three])
  const rest = await alice.get(`${path}?limit=2&from=${page.next_batch}`)
  expect(idsOf(rest.chunk)).toEqual([two])
  expect(rest).not.toHaveProperty('next_batch')
  expect(idsOf((await alice.get(`${path}?include=participated`)).chunk)).toEqual([one])
  await alice.send(roomId, relation('m.thread', two))
  expect(idsOf((await alice.get(`${path}?include=participated`)).chunk)).toEqual([two, one])
  for (const query of ['limit=0', 'from=nonsense', 'include=some']) {
    expect((await alice.request('GET', `${path}?${query}`)).body.errcode).toBe('M_INVALID_PARAM')
  }
})

it('leaves ignored users out of aggregations, and prunes the roots of their threads', async () => {
  const { alice, bob, roomId, root, bundle } = await setUp()
  await alice.send(roomId, relation('m.thread', root))
  await bob.send(roomId, relation('m.thread', root))
  await bob.send(roomId, relation('m.reference', root))
  const theirs = await bob.send(roomId, 'their thread')
  await alice.send(roomId, relation('m.thread', theirs))
  await alice.put(`/v3/user/${alice.userId}/account_data/m.ignored_user_list`, { ignored_users: { [bob.userId]: {} } })
  const bundled = await bundle(alice)
  expect(Object.keys(bundled)).toEqual(['m.thread'])
  expect(bundled['m.thread']).toMatchObject({ count: 1, latest_event: { sender: alice.userId } })
  const { chunk } = await alice.get(`${v1(roomId)}/threads`)
  expect(chunk.find((event: { event_id: string }) => event.event_id === theirs).content).toEqual({})
  const { chunk: messages } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=100`)
  const senders = messages.map((event: { sender: string; state_key?: string }) => event.state_key ?? event.sender)
  expect(senders.filter((sender: string) => sender === bob.userId)).toHaveLength(1)
})

it('knows no relations to an event of another room', async () => {
  const { alice, root, bundle } = await setUp()
  const elsewhere = await alice.createRoom()
  await alice.send(elsewhere, relation('m.reference', root))
  await alice.send(elsewhere, relation('m.thread', root))
  expect(await bundle(alice)).toBeUndefined()
  expect((await alice.request('GET', `${v1(elsewhere)}/relations/${root}`)).body.errcode).toBe('M_NOT_FOUND')
})

it('redacts what relates to an event along with it, where the user wants that and may (MSC3912)', async () => {
  const { server, client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const isRedacted = async (id: string) =>
    (await alice.get(`${roomPath(roomId)}/event/${id}`)).unsigned.redacted_because !== undefined
  const redact = async (user: User, id: string, body: object) => {
    await user.put(`${roomPath(roomId)}/redact/${id}/r${id}`, body)
    await server.services.relatedRedactions.idle()
  }
  const root = await bob.send(roomId, 'root')
  const ownEdit = await bob.send(roomId, edit(root, 'better'))
  const foreignEdit = await alice.send(roomId, edit(root, 'worse'))
  const replies: string[] = []
  for (let i = 0; i < 51; i++) replies.push(await (i % 2 ? alice : bob).send(roomId, relation('m.thread', root)))
  const all = async () => Promise.all([root, ownEdit, foreignEdit, ...replies].map(isRedacted))

  // Bob may redact what he has written himself.
  await redact(bob, root, { 'org.matrix.msc3912.with_relations': ['m.replace', 'm.thread'], reason: 'wrong room' })
  expect(await all()).toEqual([true, true, false, ...replies.map((_, i) => i % 2 === 0)])
  const { unsigned } = await alice.get(`${roomPath(roomId)}/event/${replies[50]}`)
  expect(unsigned.redacted_because).toMatchObject({ sender: bob.userId, content: { reason: 'wrong room' } })
  expect(unsigned.redacted_because.content).not.toHaveProperty(['org.matrix.msc3912.with_relations'])

  const other = await bob.send(roomId, 'other')
  const [reply, reference] = [relation('m.thread', other), relation('m.reference', other)]
  const children = [await bob.send(roomId, reply), await bob.send(roomId, reference)]
  const refused = await alice.request('PUT', `${roomPath(roomId)}/redact/${other}/x`, { with_rel_types: '*' })
  expect(refused.body.errcode).toBe('M_BAD_JSON')
  await redact(alice, other, { with_rel_types: ['*'] })
  expect(await Promise.all(children.map(isRedacted))).toEqual([true, true])
})
