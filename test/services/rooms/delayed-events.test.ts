import { expect, it, onTestFinished, vi } from 'vitest'
import type { RoomId, UserId } from '../../../src/matrix/ids.ts'
import type { LiveRooms } from '../../../src/services/rooms/live-rooms.ts'
import { DelayedEvents } from '../../../src/services/rooms/send/delayed-events.ts'
import type { Sending } from '../../../src/services/rooms/send/sending.ts'
import { insertAccount } from '../../../src/storage/accounts/accounts.ts'
import { transact } from '../../../src/storage/db.ts'
import { internName } from '../../../src/storage/names.ts'
import { insertRoom } from '../../../src/storage/rooms/rooms.ts'
import { FakeClock } from '../../support/clock.ts'
import { withDatabases } from '../../support/databases.ts'

const ROOM = '!room:a.example' as RoomId
const ALICE = '@alice:a.example' as UserId

withDatabases('events that are sent later', (open) => {
  it('wait on when they cannot be sent because of us', async () => {
    const db = await open()
    const clock = new FakeClock()
    const { userNid, roomNid } = await transact(db, async (tx) => {
      const userNid = await internName(tx, ALICE)
      const account = { userNid, userId: ALICE, passwordHash: undefined, isAdmin: false, isGuest: false }
      await insertAccount(tx, { ...account, userType: undefined, createdTs: 0 })
      return { userNid, roomNid: await insertRoom(tx, ROOM, '12') }
    })
    const failures: unknown[] = []
    const sent: string[] = []
    let isAway = true
    const message = async (_sender: unknown, _roomId: RoomId, type: string) => {
      if (isAway) throw new Error('The database is away')
      sent.push(type)
    }
    const delayed = new DelayedEvents({
      db,
      clock,
      rooms: { find: async () => ({ nid: roomNid, membershipOf: async () => 'join' }) } as unknown as LiveRooms,
      sending: { message } as unknown as Sending,
      maxDelayMs: 60_000,
      maxPerUser: 10,
      newId: () => 'id',
      countMessage: () => {},
      onFailure: (error) => failures.push(error),
    })
    onTestFinished(() => delayed.close())
    await delayed.schedule(
      { userId: ALICE, userNid, deviceNid: 1 },
      ROOM,
      { type: 'm.x', content: {} },
      1000,
      undefined,
    )
    await vi.waitFor(() => expect(clock.sleeping).toBe(1))
    clock.advance(1000)
    await vi.waitFor(() => expect([failures.length, clock.sleeping]).toEqual([1, 1]))
    expect(await delayed.list(userNid)).toHaveLength(1)
    isAway = false
    clock.advance(60_000)
    await vi.waitFor(async () => expect(await delayed.list(userNid)).toEqual([]))
    expect(sent).toEqual(['m.x'])
  })
})
