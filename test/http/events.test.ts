import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { startServer } from '../support/server.ts'

it('gives an event in client format, with its age', async () => {
  const { client, clock } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  const id = await alice.send(roomId, 'hello')
  clock.advance(1_500)
  const event = await alice.get(`${roomPath(roomId)}/event/${id}`)
  expect(event).toEqual({
    event_id: id,
    room_id: roomId,
    type: 'm.room.message',
    sender: alice.userId,
    origin_server_ts: expect.any(Number),
    content: { msgtype: 'm.text', body: 'hello' },
    unsigned: { age: 1_500, transaction_id: 't1', membership: 'join' },
  })
  const old = await alice.get(`/v3/events/${id}`)
  expect(old).toEqual(event)
})

it('tells the transaction id to the device that sent the event alone', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const other = await client.login('alice')
  const roomId = await alice.createRoom()
  const id = await alice.send(roomId, 'hello')
  expect((await alice.get(`${roomPath(roomId)}/event/${id}`)).unsigned.transaction_id).toBe('t1')
  expect((await other.get(`${roomPath(roomId)}/event/${id}`)).unsigned).not.toHaveProperty('transaction_id')
})

it('takes a transaction id once for each path, and tells it to the sender of a redaction too', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom()
  const path = roomPath(roomId)
  const say = () => alice.put(`${path}/send/m.room.message/1`, { msgtype: 'm.text', body: 'hello' })
  const redact = (id: string) => alice.put(`${path}/redact/${id}/1`, {})
  const { event_id: said } = await say()
  const { event_id: other } = await alice.put(`${path}/send/m.sticker/1`, { body: 'hello' })
  expect(other).not.toBe(said)
  const redactions = [await redact(said), await redact(other)]
  for (const id of [said, other]) expect((await alice.get(`${path}/event/${id}`)).content).toEqual({})
  for (const { event_id: id } of redactions) {
    expect(await alice.get(`${path}/event/${id}`)).toMatchObject({
      type: 'm.room.redaction',
      unsigned: { transaction_id: '1' },
    })
  }
  expect(await say()).toEqual({ event_id: said })
  expect([await redact(said), await redact(other)]).toEqual(redactions)
})

it('names what a state event replaced', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom({ name: 'first' })
  const before = await alice.get(`${roomPath(roomId)}/state/m.room.name?format=event`)
  const id = await alice.sendState(roomId, 'm.room.name', { name: 'second' })
  const { unsigned } = await alice.get(`${roomPath(roomId)}/event/${id}`)
  expect(unsigned).toMatchObject({ replaces_state: before.event_id, prev_content: { name: 'first' } })
  expect(before.unsigned).not.toHaveProperty('replaces_state')
})

it('prunes what was redacted, for everybody and in every place, and says why', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat', topic: 'secret' })
  await bob.join(roomId)
  const message = await alice.send(roomId, 'secret')
  const topic = await alice.get(`${roomPath(roomId)}/state/m.room.topic?format=event`)
  const replaced = await alice.sendState(roomId, 'm.room.topic', { topic: 'harmless' })
  for (const id of [message, topic.event_id]) {
    await alice.put(`${roomPath(roomId)}/redact/${id}/r${id}`, { reason: 'wrong room' })
  }
  const event = await bob.get(`${roomPath(roomId)}/event/${message}`)
  expect(event.content).toEqual({})
  expect(event.unsigned.redacted_because).toMatchObject({
    type: 'm.room.redaction',
    redacts: message,
    content: { reason: 'wrong room', redacts: message },
    room_id: roomId,
  })
  expect((await bob.get(`${roomPath(roomId)}/event/${replaced}`)).unsigned.prev_content).toEqual({})
  const everything = JSON.stringify([
    await bob.get(`${roomPath(roomId)}/messages?dir=b&limit=100`),
    await bob.get(`${roomPath(roomId)}/context/${replaced}?limit=100`),
    await bob.get(`${roomPath(roomId)}/state`),
    await bob.get(`${roomPath(roomId)}/initialSync`),
  ])
  expect(everything).not.toContain('secret')
})

it('shows the context of an event: as many before as after, tokens, the state there', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'old' })
  await bob.join(roomId)
  const ids: string[] = []
  for (let index = 0; index < 7; index++) ids.push(await (index % 2 ? bob : alice).send(roomId, `m${index}`))
  await alice.sendState(roomId, 'm.room.name', { name: 'new' })
  const context = await alice.get(`${roomPath(roomId)}/context/${ids[3]}?limit=4`)
  const bodies = (events: { content: { body: string } }[]) => events.map((event) => event.content.body)
  expect(context.event).toMatchObject({ event_id: ids[3], room_id: roomId })
  expect(bodies(context.events_before)).toEqual(['m2', 'm1'])
  expect(bodies(context.events_after)).toEqual(['m4', 'm5'])
  const names = context.state.filter((event: { type: string }) => event.type === 'm.room.name')
  expect(names).toMatchObject([{ content: { name: 'old' } }])
  expect(bodies((await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=1&from=${context.start}`)).chunk)).toEqual([
    'm0',
  ])
  expect(bodies((await alice.get(`${roomPath(roomId)}/messages?dir=f&limit=1&from=${context.end}`)).chunk)).toEqual([
    'm6',
  ])
  const lazy = encodeURIComponent('{"lazy_load_members":true}')
  const alone = await alice.get(`${roomPath(roomId)}/context/${ids[3]}?limit=0&filter=${lazy}`)
  expect([alone.events_before, alone.events_after]).toEqual([[], []])
  const members = alone.state.filter((event: { type: string }) => event.type === 'm.room.member')
  expect(members).toMatchObject([{ state_key: bob.userId }])
})

it('finds the event nearest to a time, forwards and backwards', async () => {
  const { client, clock } = await startServer()
  const alice = await client.register('alice')
  const before = clock.now() - 1
  const roomId = await alice.createRoom()
  clock.advance(1_000)
  const first = await alice.send(roomId, 'first')
  const firstTwin = await alice.send(roomId, 'at the same time')
  clock.advance(1_000)
  const second = await alice.send(roomId, 'second')
  const near = async (ts: number, dir: string) =>
    (await alice.request('GET', `/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`)).body
  const now = clock.now()
  expect(await near(now - 500, 'f')).toEqual({ event_id: second, origin_server_ts: now })
  expect(await near(now - 500, 'b')).toEqual({ event_id: firstTwin, origin_server_ts: now - 1_000 })
  expect((await near(now - 1_000, 'f')).event_id).toBe(first)
  const draft = `/unstable/org.matrix.msc3030/rooms/${encodeURIComponent(roomId)}/timestamp_to_event`
  expect((await alice.get(`${draft}?ts=${now - 1_000}&dir=f`)).event_id).toBe(first)
  expect((await near(before, 'b')).errcode).toBe('M_NOT_FOUND')
  expect((await near(now + 1, 'f')).errcode).toBe('M_NOT_FOUND')
})
