import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const child = (rel_type: string, event_id: string, body: string) => ({
  msgtype: 'm.text',
  body,
  'm.new_content': { msgtype: 'm.text', body },
  'm.relates_to': { rel_type, event_id },
})

async function people(history_visibility = 'shared') {
  const { client, clock } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility } }
  const roomId = await alice.createRoom({ preset: 'public_chat', initial_state: [visibility] })
  const root = await alice.send(roomId, 'root')
  const say = async (relType: string, body: string) => {
    await clock.advance(1000)
    return alice.send(roomId, child(relType, root, body))
  }
  const hide = () => alice.sendState(roomId, 'm.room.history_visibility', { history_visibility: 'joined' })
  const relations = (query: string) => bob.get(`/v1/rooms/${encodeURIComponent(roomId)}/relations/${root}?${query}`)
  const bundle = async (user: User = bob) =>
    (await user.get(`${roomPath(roomId)}/event/${root}`)).unsigned['m.relations'] ?? {}
  return { alice, bob, roomId, say, hide, relations, bundle }
}

/** Bob may see the root, and not what relates to it: because he has left, or because he was not there. */
const SCENES = {
  'came after the viewer had left': async () => {
    const scene = await people()
    await scene.bob.join(scene.roomId)
    await scene.bob.leave(scene.roomId)
    return scene
  },
  'the history hides from a member': async () => {
    const scene = await people()
    await scene.hide()
    return scene
  },
}

describe.each(Object.entries(SCENES))('relations that %s', (name, setUp) => {
  it('show neither by what is listed nor by tokens, counts or depths', async () => {
    const { bob, roomId, say, relations, bundle } = await setUp()
    const look = async () => ({
      first: await relations('limit=1'),
      forwards: await relations('limit=1&dir=f'),
      deep: await relations('recurse=true&limit=1'),
      bundle: await bundle(),
    })
    const before = name.includes('left') ? await look() : undefined
    for (const body of ['one', 'two']) await say('m.thread', body)
    await say('m.replace', 'three')
    await say('m.reference', 'four')
    if (!before) await bob.join(roomId)
    const after = await look()
    expect(after).toMatchObject({ first: { chunk: [] }, forwards: { chunk: [] }, bundle: {} })
    expect(after.first).not.toHaveProperty('next_batch')
    expect(after.forwards).not.toHaveProperty('next_batch')
    if (before) expect(after).toEqual(before)
  })
})

it('counts of a thread the replies that the viewer may see', async () => {
  const { bob, roomId, say, hide, bundle } = await people()
  await hide()
  for (const body of ['one', 'two']) await say('m.thread', body)
  await bob.join(roomId)
  await say('m.thread', 'three')
  expect((await bundle())['m.thread'].count).toBe(1)
  await bob.leave(roomId)
  await say('m.thread', 'four')
  const left = (await bundle())['m.thread']
  expect([left.count, left.latest_event.content.body]).toEqual([1, 'three'])
})

it('counts the replies for who looks into a world-readable room', async () => {
  const { bob, roomId, say, bundle } = await people('world_readable')
  for (const body of ['one', 'two']) await say('m.thread', body)
  expect((await bundle())['m.thread'].count).toBe(2)
  await bob.join(roomId)
  expect((await bundle())['m.thread'].count).toBe(2)
})

it('fills a page with the children that the viewer may see, past those that are hidden', async () => {
  const { bob, roomId, say, hide, relations } = await people()
  const seen = await say('m.thread', 'one')
  await hide()
  for (const body of ['two', 'three']) await say('m.thread', body)
  await bob.join(roomId)
  const { chunk, ...more } = await relations('limit=1')
  expect(chunk.map(({ event_id }: { event_id: string }) => event_id)).toEqual([seen])
  expect(more).toEqual({})
})

it('shows who has left the last edit and reply from before, whatever came later', async () => {
  const { bob, roomId, say, bundle } = await people()
  await bob.join(roomId)
  await say('m.replace', 'edited')
  await say('m.thread', 'replied')
  await bob.leave(roomId)
  const before = await bundle()
  expect(before).toMatchObject({
    'm.replace': { content: { body: 'edited' } },
    'm.thread': { count: 1, latest_event: { content: { body: 'replied' } } },
  })
  await say('m.replace', 'edited again')
  for (let index = 0; index < 60; index++) await say('m.thread', 'more')
  const after = await bundle()
  const untimed = (answer: object) => JSON.stringify(answer).replaceAll(/"age":\d+/g, '')
  expect(untimed(after)).toBe(untimed(before))
})

it('lists the threads that who has left could see then, in the order of then', async () => {
  const { alice, bob, roomId, say } = await people()
  const other = await alice.send(roomId, 'other')
  await bob.join(roomId)
  await say('m.thread', 'one')
  await bob.send(roomId, child('m.thread', other, 'two'))
  await bob.leave(roomId)
  const list = async (query: string) => {
    const { chunk, next_batch: next } = await bob.get(`/v1/rooms/${encodeURIComponent(roomId)}/threads?${query}`)
    return { ids: chunk.map(({ event_id }: { event_id: string }) => event_id), next }
  }
  const look = async () => {
    const first = await list('limit=1')
    return [first, await list(`limit=1&from=${first.next}`), await list('include=participated')]
  }
  const before = await look()
  await say('m.thread', 'three')
  await alice.send(roomId, child('m.thread', await alice.send(roomId, 'new'), 'four'))
  expect(await look()).toEqual(before)
  expect(before[0]?.ids).toEqual([other])
  expect(before[2]?.ids).toEqual([other])
})

it('lists no thread for its root alone, nor pages for such threads', async () => {
  const { alice, bob, roomId, say, hide } = await people()
  const other = await alice.send(roomId, 'other')
  await alice.send(roomId, child('m.thread', other, 'seen'))
  await hide()
  await say('m.thread', 'hidden')
  await bob.join(roomId)
  const { chunk, ...more } = await bob.get(`/v1/rooms/${encodeURIComponent(roomId)}/threads?limit=1`)
  expect(chunk.map(({ event_id }: { event_id: string }) => event_id)).toEqual([other])
  expect(more).toEqual({})
})
