import { expect, it } from 'vitest'
import type { RoomId, UserId } from '../../../src/matrix/ids.ts'
import type { Appended } from '../../../src/services/rooms/append.ts'
import { Stream } from '../../../src/services/stream.ts'
import { UserRooms } from '../../../src/services/sync/user-rooms.ts'
import { transact } from '../../../src/storage/db.ts'
import { internName } from '../../../src/storage/names.ts'
import { upsertMemberships } from '../../../src/storage/rooms/memberships.ts'
import { insertRoom } from '../../../src/storage/rooms/rooms.ts'
import { withDatabases } from '../../support/databases.ts'
import { statementsOf } from '../../support/statements.ts'

const ALICE: UserId = '@alice:a.example'
const BOB: UserId = '@bob:a.example'

withDatabases('the rooms of users', (open) => {
  /** Users in so many rooms each, of whom memory has room for 100 rooms. */
  async function scene(rooms: number) {
    const db = await open()
    const [alice, bob] = await transact(db, async (tx) => {
      const nids: number[] = []
      for (let i = 0; i < rooms; i++) nids.push(await insertRoom(tx, `!${i}:a.example`, '12'))
      const inAll = async (userId: UserId) => {
        const userNid = await internName(tx, userId)
        const row = { user_nid: userNid, sender_nid: userNid, membership: 'join', event_nid: 1, pos: 0, is_local: 1 }
        await upsertMemberships(
          tx,
          nids.map((room_nid) => ({ ...row, room_nid, stripped_state: null })),
        )
        return { userId, userNid }
      }
      return [await inAll(ALICE), await inAll(BOB)] as const
    })
    const userRooms = new UserRooms({ db, stream: new Stream(db, 0) }, 100)
    await userRooms.of(alice)
    await userRooms.of(bob)
    /** How many statements it takes to know the rooms of the user. */
    const reads = async (user: typeof alice) => (await statementsOf(db, async () => userRooms.of(user))).length
    return { alice, bob, userRooms, reads }
  }

  it('stay in memory while there are few', async () => {
    const { alice, bob, reads } = await scene(20)
    expect([await reads(alice), await reads(bob)]).toEqual([0, 0])
  })

  it('give way to those of others where there are many', async () => {
    const { alice, bob, reads } = await scene(60)
    expect([await reads(bob), await reads(alice)]).toEqual([0, 1])
  })

  it('count as they grow', async () => {
    const { alice, bob, userRooms, reads } = await scene(20)
    for (let i = 0; i < 60; i++) {
      const event = { type: 'm.room.member', stateKey: BOB, membership: 'join', pos: i, sender: BOB }
      const room = { roomId: `!new${i}:a.example` as RoomId, nid: 1_000 + i }
      userRooms.onAppended({ room, events: [event], changes: [{ event }] } as unknown as Appended)
    }
    expect([await reads(bob), await reads(alice)]).toEqual([0, 1])
  })
})
