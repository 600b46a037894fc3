import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { LIVE, type SentRooms } from '../../../src/services/sliding/connection.ts'
import { Connections } from '../../../src/services/sliding/connections.ts'
import { RequiredState } from '../../../src/services/sliding/required-state.ts'
import { FakeClock } from '../../support/clock.ts'
import { withDatabases } from '../../support/databases.ts'

const KEY = { deviceNid: 1, connId: 'main' }

/** Rooms of each of which other state was asked for, in so many patterns. */
const roomsWith = (patterns: number): SentRooms =>
  new Map(
    Array.from({ length: 10 }, (_, nid) => {
      const include = Array.from({ length: patterns / 10 }, (_, i) => [`${nid} ${i}`, 'x'.repeat(255)] as const)
      const required = new RequiredState([{ include, exclude: [], lazyMembers: false }])
      return [nid, { room: LIVE, receipts: LIVE, accountData: LIVE, timelineLimit: 1, required, isDm: false }]
    }),
  )

withDatabases('The connections of sliding sync', (open) => {
  it('begin anew when ever other state is asked for of their rooms', async () => {
    const connections = new Connections({ db: await open(), clock: new FakeClock(), random: (n) => randomBytes(n) })
    const first = await connections.add(KEY, undefined, roomsWith(1_000))
    const second = await connections.add(KEY, first, roomsWith(10_000))
    expect((await connections.find(KEY, second.id)).rooms.size).toBe(10)
    await expect(connections.add(KEY, second, roomsWith(20_000))).rejects.toMatchObject({ errcode: 'M_UNKNOWN_POS' })
    // What cannot be had in less is given at least once.
    await connections.add(KEY, undefined, roomsWith(20_000))
  })
})
