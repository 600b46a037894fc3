import { expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const bodies = (events: { content: { body?: string } }[]) => events.map((event) => event.content.body ?? '-')
const idsOf = (events: { event_id: string }[]) => events.map((event) => event.event_id)

async function talk(user: User, roomId: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let index = 1; index <= count; index++) ids.push(await user.send(roomId, `m${index}`))
  return ids
}

it('pages backwards from the end to the creation, then has no more', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  await talk(alice, roomId, 12)
  const seen: string[] = []
  let from: string | undefined
  for (let page = 0; page < 20; page++) {
    const query = new URLSearchParams({ dir: 'b', limit: '5', ...(from !== undefined && { from }) })
    const answer = await alice.get(`${roomPath(roomId)}/messages?${query}`)
    if (from !== undefined) expect(answer.start).toBe(from)
    seen.push(...idsOf(answer.chunk))
    from = answer.end
    if (from === undefined) break
  }
  expect(from).toBeUndefined()
  expect(new Set(seen).size).toBe(seen.length)
  const all = await alice.get(`${roomPath(roomId)}/messages?dir=f&limit=100`)
  expect(all.end).toBeUndefined()
  expect(idsOf(all.chunk)).toEqual(seen.toReversed())
  expect(all.chunk[0].type).toBe('m.room.create')
  expect(all.chunk[0].room_id).toBe(roomId)
})

it('goes on forwards where a backward page began', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  await talk(alice, roomId, 6)
  const newest = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=3`)
  expect(bodies(newest.chunk)).toEqual(['m6', 'm5', 'm4'])
  const again = await alice.get(`${roomPath(roomId)}/messages?dir=f&from=${newest.end}`)
  expect(bodies(again.chunk)).toEqual(['m4', 'm5', 'm6'])
  await alice.send(roomId, 'm7')
  const later = await alice.get(`${roomPath(roomId)}/messages?dir=f&from=${newest.start}`)
  expect(bodies(later.chunk)).toEqual(['m7'])
})

it('stops at `to`', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  await talk(alice, roomId, 4)
  const first = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=2`)
  await talk(alice, roomId, 3)
  const since = await alice.get(`${roomPath(roomId)}/messages?dir=b&to=${first.start}`)
  expect(bodies(since.chunk)).toEqual(['m3', 'm2', 'm1'])
  expect(since.end).toBeUndefined()
})

it('answers an empty page for a limit of 0, with a token to go on', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  const answer = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=0`)
  expect(answer.chunk).toEqual([])
  const all = await alice.get(`${roomPath(roomId)}/messages?dir=b&from=${answer.end}&limit=100`)
  expect(all.chunk.at(-1).type).toBe('m.room.create')
})

it('refuses tokens that are none of ours, negative limits and broken filters', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  for (const query of [
    'from=nonsense',
    'to=t1',
    'limit=-1',
    'filter=%7B',
    'filter=%7B%22types%22%3A%22x%22%7D',
    'dir=x',
  ]) {
    const { status, body } = await alice.request('GET', `${roomPath(roomId)}/messages?dir=b&${query}`)
    expect([query, status, body.errcode]).toEqual([query, 400, 'M_INVALID_PARAM'])
  }
})

it('filters by type, sender, url and relation', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  const root = await alice.send(roomId, 'from alice')
  await bob.send(roomId, 'from bob')
  await alice.send(roomId, { body: 'file', msgtype: 'm.file', url: 'mxc://example.org/x' })
  await alice.send(roomId, { body: 'reply', 'm.relates_to': { rel_type: 'm.thread', event_id: root } })
  await alice.send(roomId, { body: 'reference', 'm.relates_to': { rel_type: 'm.reference', event_id: root } })
  const filtered = async (filter: object) => {
    const query = new URLSearchParams({ dir: 'f', limit: '50', filter: JSON.stringify(filter) })
    return (await alice.get(`${roomPath(roomId)}/messages?${query}`)).chunk
  }
  expect(bodies(await filtered({ senders: [bob.userId], types: ['m.room.mess*'] }))).toEqual(['from bob'])
  expect(bodies(await filtered({ contains_url: true }))).toEqual(['file'])
  expect(bodies(await filtered({ 'org.matrix.msc3874.rel_types': ['m.thread'] }))).toEqual(['reply'])
  expect(bodies(await filtered({ rel_types: ['m.thread', 'm.reference'] }))).toEqual(['reply', 'reference'])
  const without = await filtered({ types: ['m.room.message'], not_rel_types: ['m.thread'], not_senders: [bob.userId] })
  expect(bodies(without)).toEqual(['from alice', 'file', 'reference'])
  expect(await filtered({ not_rooms: [roomId] })).toEqual([])
  expect(await filtered({ types: [] })).toEqual([])
})

it('gives the members who sent the events where they are loaded lazily', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  await carol.join(roomId)
  await carol.send(roomId, 'hello')
  const filter = encodeURIComponent('{"lazy_load_members":true}')
  const { state } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=1&filter=${filter}`)
  expect(state).toMatchObject([{ type: 'm.room.member', state_key: carol.userId, content: { membership: 'join' } }])
})

it('shows who left what happened until then, in both directions, and the state as it was', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'before' })
  await bob.join(roomId)
  await alice.send(roomId, 'before')
  await bob.leave(roomId)
  await alice.send(roomId, 'after')
  await alice.sendState(roomId, 'm.room.name', { name: 'after' })
  const back = await bob.get(`${roomPath(roomId)}/messages?dir=b&limit=2`)
  expect(back.chunk).toMatchObject([{ type: 'm.room.member', state_key: bob.userId }, { content: { body: 'before' } }])
  const all = await bob.get(`${roomPath(roomId)}/messages?dir=f&limit=100`)
  expect(all.chunk.at(-1)).toMatchObject({ state_key: bob.userId, content: { membership: 'leave' } })
  expect(all.end).toBeUndefined()
  expect(await bob.get(`${roomPath(roomId)}/state/m.room.name`)).toEqual({ name: 'before' })
  const members = await bob.get(`${roomPath(roomId)}/members`)
  expect(members.chunk.map((event: { content: { membership: string } }) => event.content.membership).sort()).toEqual([
    'join',
    'leave',
  ])
  await bob.post(`${roomPath(roomId)}/forget`)
  expect((await bob.request('GET', `${roomPath(roomId)}/messages`)).body.errcode).toBe('M_FORBIDDEN')
})
