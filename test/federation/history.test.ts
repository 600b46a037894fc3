import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { joinVia, pair, seen, textsOf } from '../support/federated.ts'

const page = (user: User, roomId: string, params: string) => user.get(`${roomPath(roomId)}/messages?${params}`)

async function allTexts(user: User, roomId: string): Promise<string[]> {
  const texts: string[] = []
  for (let from = ''; ; ) {
    const { chunk, end } = await page(user, roomId, `dir=b&limit=30${from}`)
    texts.push(...chunk.map((event: { content: { body?: string } }) => event.content.body ?? ''))
    if (end === undefined || chunk.length === 0) return texts.filter((text) => text !== '')
    from = `&from=${end}`
  }
}

describe('what happened before one of ours joined', () => {
  it.each(['1', '11', '12'])('is fetched as it is read, down to the beginning, in version %s', async (version) => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version })
    const sent: string[] = []
    for (let i = 0; i < 130; i++) {
      sent.push(`m${i}`)
      await alice.send(roomId, `m${i}`)
      if (i % 40 === 20) await alice.sendState(roomId, 'm.room.topic', { topic: `t${i}` })
    }
    await joinVia(bob, roomId, 'one.test')
    expect(await allTexts(bob, roomId)).toEqual(sent.toReversed())
    // All of it is here by now, and /sync tells of nothing.
    expect(await textsOf(bob, roomId)).toHaveLength(100)
    await bob.send(roomId, 'new')
    await seen(alice, roomId, 'new')
    const { rooms } = await bob.sync()
    expect(rooms.join[roomId].timeline.events.length).toBeLessThan(15)
  })

  it('is read around an event that somebody names, and an event that nobody has is asked for once', async () => {
    const { world, two, alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const ids: string[] = []
    for (let i = 0; i < 20; i++) ids.push(await alice.send(roomId, `m${i}`))
    await joinVia(bob, roomId, 'one.test')
    const path = (what: string, eventId: string) => `${roomPath(roomId)}/${what}/${encodeURIComponent(eventId)}`
    const context = await bob.get(`${path('context', ids[10] ?? '')}?limit=6`)
    const bodies = (events: { content: { body: string } }[]) => events.map(({ content }) => content.body)
    expect(context.event.content.body).toBe('m10')
    expect(bodies(context.events_before)).toEqual(['m9', 'm8', 'm7'])
    expect((await bob.get(path('event', ids[15] ?? ''))).content.body).toBe('m15')
    const after = await bob.get(`${path('context', ids[10] ?? '')}?limit=6`)
    expect(bodies(after.events_after)).toEqual(['m11', 'm12', 'm13'])

    const unknown = path('event', `$${'x'.repeat(43)}`)
    const eve = await two.client.register('eve')
    expect((await eve.request('GET', unknown)).status).toBe(404)
    const attempts = () => world.network.attempts.length
    expect((await bob.request('GET', unknown)).status).toBe(404)
    world.network.cut('10.0.0.1')
    const before = attempts()
    expect((await bob.request('GET', unknown)).status).toBe(404)
    expect(attempts()).toBe(before)
  })

  it('is hidden from who may not see it', async () => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    })
    await alice.send(roomId, 'secret')
    await joinVia(bob, roomId, 'one.test')
    await alice.send(roomId, 'open')
    await seen(bob, roomId, 'open')
    expect(await allTexts(bob, roomId)).toEqual(['open'])
  })

  it('is found by its time, and read from there', async () => {
    const { world, alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    world.clock.advance(60_000)
    const first = await alice.send(roomId, 'A')
    world.clock.advance(60_000)
    const between = world.clock.now()
    world.clock.advance(60_000)
    const second = await alice.send(roomId, 'B')
    world.clock.advance(60_000)
    await joinVia(bob, roomId, 'one.test')
    const near = (ts: number, dir: string) =>
      bob.get(`/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`)
    expect((await near(between, 'b')).event_id).toBe(first)
    expect((await near(between, 'f')).event_id).toBe(second)
    const context = await bob.get(`${roomPath(roomId)}/context/${encodeURIComponent(second)}?limit=0`)
    const { chunk } = await page(bob, roomId, `dir=b&limit=100&from=${context.end}`)
    const ids = chunk.map((event: { event_id: string }) => event.event_id)
    expect(ids).toContain(first)
    expect(ids).toContain(second)
  })
})
