import { beforeEach, expect, it } from 'vitest'
import { AccountData, GLOBAL } from '../../src/services/account-data/account-data.ts'
import { Tags } from '../../src/services/account-data/tags.ts'
import { Hub } from '../../src/services/hub.ts'
import { Stream } from '../../src/services/stream.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { insertRows } from '../../src/storage/many.ts'
import { withDatabases } from '../support/databases.ts'

const ALICE = { userId: '@alice:a.example', userNid: 1 } as const
const BOB = { userId: '@bob:a.example', userNid: 2 } as const
const ROOM = 7
const TOO_LARGE = { errcode: 'M_TOO_LARGE' }

withDatabases('the account data of a user', (open) => {
  let db: Db
  let accountData: AccountData
  beforeEach(async () => {
    db = await open()
    accountData = new AccountData({ db, stream: new Stream(db, 0), hub: new Hub() })
  })
  const fill = (count: number, content: string) =>
    transact(db, (tx) =>
      insertRows(
        tx,
        'account_data (user_nid, room_nid, type, content, pos)',
        Array.from({ length: count }, (_, i) => [ALICE.userNid, i % 2, `t${i}`, content, 1]),
      ),
    )

  it('is bounded in size, in all rooms together', async () => {
    await fill(69, `{"a":"${'x'.repeat(60_000)}"}`)
    const large = { a: '봉'.repeat(20_000) }
    await accountData.setByClient(ALICE, ROOM, 'b', large)
    await accountData.setByClient(ALICE, GLOBAL, 'c', { a: 'x'.repeat(20_000) })
    await expect(accountData.setByClient(ALICE, ROOM, 'd', large)).rejects.toMatchObject(TOO_LARGE)
    await expect(new Tags(accountData).set(ALICE, ROOM, 'u.a', large)).rejects.toMatchObject(TOO_LARGE)
    // What is there may become smaller, and what the server writes is always taken; others have room of their own.
    await accountData.setByClient(ALICE, ROOM, 'b', { a: '' })
    await accountData.update(ALICE, ROOM, 'm.fully_read', () => ({ event_id: '$a' }))
    await accountData.setByClient(BOB, ROOM, 'd', large)
  })

  it('is bounded in number', async () => {
    await fill(20_000, '{}')
    await expect(accountData.setByClient(ALICE, ROOM, 'new', {})).rejects.toMatchObject(TOO_LARGE)
    await accountData.setByClient(ALICE, GLOBAL, 't0', {})
  })
})
