import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EventId, RoomId } from '../../src/matrix/ids.ts'
import { AccountData } from '../../src/services/account-data/account-data.ts'
import { Hub } from '../../src/services/hub.ts'
import { Receipts } from '../../src/services/receipts.ts'
import type { LiveRooms } from '../../src/services/rooms/live-rooms.ts'
import { Stream } from '../../src/services/stream.ts'
import { takeBoth } from '../../src/storage/counter.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { insertRows } from '../../src/storage/many.ts'
import { FakeClock } from '../support/clock.ts'
import { withDatabases } from '../support/databases.ts'

const ALICE = { userId: '@alice:a.example', userNid: 1, deviceNid: 1 } as const
const ROOM: RoomId = '!room:a.example'
const EVENT: EventId = '$event'
const LATER: EventId = '$later'
const NID = 7
const MAX_THREADED = 10_000

/** Receipts of Alice, who is in a room with two events. */
function receiptsOf(db: Db): Receipts {
  const room = {
    roomId: ROOM,
    nid: NID,
    localJoined: new Set([ALICE.userId]),
    tail: {
      events: [
        { eventId: EVENT, pos: 5 },
        { eventId: LATER, pos: 6 },
      ],
    },
  }
  const [hub, stream] = [new Hub(), new Stream(db, MAX_THREADED + 1)]
  return new Receipts({
    db,
    clock: new FakeClock(),
    stream,
    hub,
    rooms: { get: async () => room } as unknown as LiveRooms,
    accountData: new AccountData({ db, stream, hub }),
    visibility: { visibleEvents: async (_room, events) => [...events] },
  })
}

withDatabases('receipts', (open) => {
  it('tell others of what is read, once, and of nothing that a client which lags says later', async () => {
    const db = await open()
    const receipts = receiptsOf(db)
    const told: string[] = []
    receipts.onReceipt((_room, { eventId }) => told.push(eventId))
    for (const eventId of [EVENT, EVENT, LATER, EVENT, LATER]) await receipts.set(ALICE, ROOM, 'm.read', eventId)
    expect(told).toEqual([EVENT, LATER])
    expect((await receipts.marksIn(ALICE.userNid, NID)).everywhere).toBe(6)
  })

  it('are known as a restart would know them', async () => {
    const receipt = fc.record({
      type: fc.constantFrom('m.read' as const, 'm.read.private' as const),
      eventId: fc.constantFrom(EVENT, LATER),
      thread: fc.constantFrom('', 'main', '$root'),
    })
    const further = { type: 'm.read', eventId: LATER, thread: '' } as const
    const nearer = { type: 'm.read.private', eventId: EVENT, thread: '' } as const
    await fc.assert(
      fc.asyncProperty(fc.array(receipt, { maxLength: 8 }), async (moves) => {
        const db = await open()
        const receipts = receiptsOf(db)
        await receipts.marksIn(ALICE.userNid, NID)
        for (const { type, eventId, thread } of moves) await receipts.set(ALICE, ROOM, type, eventId, thread)
        const anew = await receiptsOf(db).marksIn(ALICE.userNid, NID)
        expect(await receipts.marksIn(ALICE.userNid, NID)).toEqual(anew)
      }),
      { numRuns: 20, examples: [[[further, nearer]]] },
    )
  })

  it('in threads are bounded in number: the oldest go, those of whole rooms stay', async () => {
    const db = await open()
    const receipts = receiptsOf(db)
    await transact(db, async (tx) => {
      const { pos } = await takeBoth(tx, MAX_THREADED + 1, 0)
      const row = (thread: string, i: number) => [NID, ALICE.userNid, 'm.read', thread, EVENT, 5, 1, pos + i]
      const threads = Array.from({ length: MAX_THREADED }, (_, i) => row(`$thread${i}`, i + 1))
      await insertRows(tx, 'receipt (room_nid, user_nid, type, thread, event_id, event_pos, ts, pos)', [
        row('', 0),
        ...threads,
      ])
    })
    await receipts.set(ALICE, ROOM, 'm.read', EVENT, '$new')
    const { everywhere, threads } = await receipts.marksIn(ALICE.userNid, NID)
    expect(everywhere).toBe(5)
    expect(threads.has('$new')).toBe(true)
    expect(threads.has('$thread0')).toBe(false)
    expect(threads.has(`$thread${MAX_THREADED - 1}`)).toBe(true)
    expect(threads.size).toBe(9_001)
  })
})
