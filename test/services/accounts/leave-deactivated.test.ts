import { expect, it } from 'vitest'
import { leaveDeactivated } from '../../../src/services/accounts/leave-deactivated.ts'
import { transact } from '../../../src/storage/db.ts'
import { insertRows } from '../../../src/storage/many.ts'
import { upsertMemberships } from '../../../src/storage/rooms/memberships.ts'
import { withDatabases } from '../../support/databases.ts'
import { statementsOf } from '../../support/statements.ts'

const GONE = 120
const MEMBERS = [30, 119]

withDatabases('deactivated accounts', (open) => {
  it('leave their rooms, and those that are in none are looked at a page at a time', async () => {
    const db = await open()
    await transact(db, async (tx) => {
      await insertRows(
        tx,
        'account (user_nid, user_id, deactivated, created_ts)',
        Array.from({ length: GONE }, (_, i) => [i + 1, `@user${i + 1}:a.example`, 1, 1]),
      )
      const row = { room_nid: 1, sender_nid: 1, event_nid: 1, pos: 1, is_local: 1, stripped_state: null }
      await upsertMemberships(tx, [
        ...MEMBERS.map((user_nid) => ({ ...row, user_nid, membership: 'join' })),
        { ...row, user_nid: 31, membership: 'leave' },
      ])
    })
    const left: number[] = []
    const leaveAll = async (_userId: string, userNid: number) => void left.push(userNid)
    const never = new AbortController().signal
    const statements = await statementsOf(db, () => leaveDeactivated({ db, leaveAll }, never))
    expect(left).toEqual(MEMBERS)
    expect(statements.map(({ rows }) => rows)).toEqual([50, 50, 20])
  })
})
