import { expect, it } from 'vitest'
import type { RoomId } from '../../../src/matrix/ids.ts'
import { LiveRooms } from '../../../src/services/rooms/live-rooms.ts'
import { withDatabases } from '../../support/databases.ts'
import { joining, makeRoom, message, openDoor, user } from '../../support/rooms.ts'

const alice = user('alice')

withDatabases('rooms in memory', (open) => {
  it('are loaded once for all who ask at the same time', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const rooms = new LiveRooms(door.db)
    const [first, second] = await Promise.all([rooms.find(roomId), rooms.find(roomId)])
    expect(first).toBeDefined()
    expect(second).toBe(first)
  })

  it('take no more memory than they may, however they grow, and lose nothing by being forgotten', async () => {
    const door = await openDoor(await open(), undefined, 300_000)
    const roomIds: RoomId[] = []
    for (let i = 0; i < 6; i++) roomIds.push(await makeRoom(door, alice))
    for (let i = 0; i < 70; i++) {
      await Promise.all(roomIds.map((roomId) => door.append.send(roomId, { draft: message(alice, `${i}`) })))
    }
    expect(door.liveRooms.size).toBeLessThan(6)
    for (const roomId of roomIds) {
      const room = await door.liveRooms.get(roomId)
      const newest = await room.newest(0, door.stream.current, 100)
      expect(newest).toHaveLength(74)
      expect(newest[0]?.pdu.content.body).toBe('69')
    }
  })

  it('are read below their floor from the table', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    for (let i = 0; i < 100; i++) await door.append.send(roomId, { draft: message(alice, `${i}`) })
    const room = await door.liveRooms.get(roomId)
    expect(room.tail.events.length).toBeLessThan(100)
    const bodies = (await room.newest(4, 94, 1_000)).map((event) => event.pdu.content.body)
    expect(bodies).toEqual(Array.from({ length: 90 }, (_, i) => `${89 - i}`))
  })

  it('know their first members as heroes', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const names = ['b', 'c', 'd', 'e', 'f', 'g', 'h'].map(user)
    for (const name of names) await door.append.send(roomId, { draft: joining(name) })
    const room = await door.liveRooms.get(roomId)
    expect(await room.heroes()).toEqual([alice, ...names.slice(0, 5)])
    const leaving = { ...joining(alice), content: { membership: 'leave' } }
    await door.append.send(roomId, { draft: leaving })
    expect(await room.heroes()).toEqual(names.slice(0, 6))
  })
})
