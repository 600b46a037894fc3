import { expect, it } from 'vitest'
import { transact } from '../../src/storage/db.ts'
import { listServersInRooms } from '../../src/storage/federation/frozen-rooms.ts'
import { listWaitingServers, queueEdus, queueEvents } from '../../src/storage/federation/outbox.ts'
import { internNames, nidOf } from '../../src/storage/names.ts'
import { changeRoomServers } from '../../src/storage/rooms/room-servers.ts'
import { withDatabases } from '../support/databases.ts'

withDatabases('each server of many rows', (open) => {
  it('is named once', async () => {
    const db = await open()
    expect(await listServersInRooms(db)).toEqual([])
    expect(await listWaitingServers(db)).toEqual([])
    await transact(db, async (tx) => {
      const names = await internNames(tx, ['a.example', 'b.example', 'c.example'])
      const [a, b, c] = ['a.example', 'b.example', 'c.example'].map((name) => nidOf(names, name)) as [
        number,
        number,
        number,
      ]
      const rooms = [1, 2, 3].flatMap((roomNid) =>
        [a, b].map((serverNid) => ({ roomNid, serverNid, joined: 1, pos: 1 })),
      )
      await changeRoomServers(tx, [...rooms, { roomNid: 4, serverNid: c, joined: 0, pos: 1 }])
      await queueEvents(
        tx,
        [1, 2, 3].map((event_nid) => ({ server_nid: b, event_nid, room_nid: 1 })),
      )
      await queueEdus(
        tx,
        [b, c, c].map((server_nid) => ({ server_nid, edu: '{}' })),
      )
    })
    expect((await listServersInRooms(db)).toSorted()).toEqual(['a.example', 'b.example'])
    expect((await listWaitingServers(db)).toSorted()).toEqual(['b.example', 'c.example'])
  })
})
