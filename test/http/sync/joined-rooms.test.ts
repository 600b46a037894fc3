import { describe, expect, it } from 'vitest'
import { startServer } from '../../support/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: events of many shapes
const bodies = (room: any) => room.timeline.events.map((event: any) => event.content.body ?? event.type)

describe('/sync of joined rooms', () => {
  it('gives a first sync the newest events and the state before them', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const roomId = await alice.createRoom({ name: 'Office' })
    for (let i = 0; i < 12; i++) await alice.send(roomId, `m${i}`)
    const { rooms } = await alice.sync()
    const room = rooms.join[roomId]
    expect(bodies(room)).toEqual(['m2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11'])
    expect(room.timeline.limited).toBe(true)
    // biome-ignore lint/suspicious/noExplicitAny: state events
    const types = room.state.events.map((event: any) => event.type)
    expect(types).toContain('m.room.create')
    expect(types).toContain('m.room.name')
    expect(room.summary['m.joined_member_count']).toBe(1)
    expect(room.unread_notifications).toEqual({ notification_count: 0, highlight_count: 0 })
  })

  it('then gives what is new, once', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const bob = await client.register('bob')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await alice.sync()
    await bob.send(roomId, 'hello')
    const first = await alice.sync()
    expect(bodies(first.rooms.join[roomId])).toEqual(['hello'])
    expect(first.rooms.join[roomId].unread_notifications.notification_count).toBe(1)
    expect((await alice.sync()).rooms).toBeUndefined()
  })

  it('wakes a long poll', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const bob = await client.register('bob')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await alice.sync()
    await alice.sync()
    const waiting = alice.sync({ timeout: '30000' })
    await bob.send(roomId, 'wake up')
    expect(bodies((await waiting).rooms.join[roomId])).toEqual(['wake up'])
  })
})
