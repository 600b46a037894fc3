import { pino } from 'pino'
import { expect, it } from 'vitest'
import { HeldEvents } from '../../src/services/rooms/receive/held-events.ts'
import type { Incoming } from '../../src/services/rooms/receive/incoming.ts'
import { transact } from '../../src/storage/db.ts'
import * as table from '../../src/storage/federation/held-events.ts'
import { FakeClock } from '../support/clock.ts'
import { withDatabases } from '../support/databases.ts'
import { until } from '../support/federated.ts'
import { incoming, joinForeign } from '../support/foreign-room.ts'
import { RoomBuilder } from '../support/room-builder.ts'
import { openDoor } from '../support/rooms.ts'

withDatabases('events that wait for others', (open) => {
  /** A room with an event of another server that follows one which is not here. */
  async function scene() {
    const door = await openDoor(await open())
    const builder = RoomBuilder.public()
    await joinForeign(door, builder)
    const room = await door.liveRooms.get(builder.roomId)
    const lost = builder.message('@alice:hs1')
    const stuck = incoming(builder, [builder.message('@alice:hs1', { after: [lost] })])
    return { db: door.db, room, stuck }
  }

  it('are looked at soon again where something came into the room while they were looked at', async () => {
    const { db, room, stuck } = await scene()
    const clock = new FakeClock()
    let looks = 0
    const held: HeldEvents = new HeldEvents({
      db,
      clock,
      log: pino({ level: 'silent' }),
      fill: async () => {
        looks++
        const ids = (await table.listHeld(db, room.nid, 10)).map((row) => row.event_id)
        if (looks === 1) await held.onReceived(room)
        await transact(db, (tx) => table.postponeHeld(tx, room.nid, ids, clock.now() + 3_600_000))
      },
    })
    held.start()
    await held.hold('hs1', room, stuck)
    await until(
      async () => {
        clock.advance(100)
        return looks
      },
      (count) => count === 2,
    )
    await held.close()
    expect(await table.nextDue(db, [])).toBeGreaterThan(clock.now() + 3_000_000)
  })

  it('are left alone for a while where looking at them fails', async () => {
    const { db, room, stuck } = await scene()
    const clock = new FakeClock()
    const looks: number[] = []
    const fill = async () => {
      looks.push(clock.now())
      throw new Error('Something is wrong with us')
    }
    const held = new HeldEvents({ db, clock, log: pino({ level: 'silent' }), fill })
    const start = clock.now()
    held.start()
    await held.hold('hs1', room, stuck)
    await until(
      async () => {
        clock.advance(1_000)
        return looks
      },
      (times) => times.length >= 3,
    )
    await held.close()
    expect((looks[2] ?? 0) - start).toBeGreaterThanOrEqual(120_000)
  })

  it('are kept of every server, however many others have sent', async () => {
    const { db, room, stuck } = await scene()
    const [event] = stuck as [Incoming]
    const clock = new FakeClock()
    const held = new HeldEvents({ db, clock, log: pino({ level: 'silent' }), fill: async () => {} })
    for (const server of ['evil1', 'evil2', 'evil3', 'evil4']) {
      const many = Array.from({ length: 500 }, (_, i) => ({ ...event, eventId: `$${server}-${i}` }))
      await held.hold(server, room, many)
    }
    await held.hold('hs1', room, [event])
    await held.hold('evil1', room, [event])
    const { all, ofServer } = await table.countHeld(db, room.nid, 'hs1')
    expect(ofServer).toBe(1)
    expect(all).toBeLessThanOrEqual(2_000)
  })
})
