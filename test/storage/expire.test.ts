import { expect, it } from 'vitest'
import { ExpiredTokens } from '../../src/services/accounts/sessions/expired-tokens.ts'
import { deleteExpiredLoginTokens, insertLoginToken } from '../../src/storage/accounts/login-tokens.ts'
import { deleteExpiredOpenIdTokens, insertOpenIdToken } from '../../src/storage/accounts/openid-tokens.ts'
import * as tokens from '../../src/storage/accounts/tokens.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { deleteInPieces } from '../../src/storage/expire.ts'
import { deleteTransactionsBefore, insertTransactions } from '../../src/storage/rooms/transactions.ts'
import { rawRows } from '../../src/storage/run.ts'
import { withDatabases } from '../support/databases.ts'

const count = async (db: Db, table: 'transaction_id' | 'access_token' | 'refresh_token') => {
  const [row] = await rawRows<{ rows: number }>(db, `select count(*) as rows from ${table}`)
  return row?.rows
}

withDatabases('expiry', (open) => {
  it('forgets old transaction ids, many in several pieces, and keeps the young', async () => {
    const db = await open()
    const rows = Array.from({ length: 1300 }, (_, i) => ({
      device_nid: 1,
      room_nid: 1,
      path_crc: 1,
      txn_id: `m${i}`,
      event_nid: i,
      created_ts: i,
    }))
    await transact(db, (tx) => insertTransactions(tx, rows))
    const pieces: number[] = []
    await deleteInPieces(db, async (tx, limit) => {
      const found = await deleteTransactionsBefore(tx, 1200, limit)
      pieces.push(found)
      return found
    })
    expect(await count(db, 'transaction_id')).toBe(100)
    expect(pieces).toEqual([...Array<number>(24).fill(50), 0])
  })

  it("deletes tokens that ran out, but never a device's newest access token", async () => {
    const db = await open()
    const token = (tokenHash: string, deviceNid: number, createdTs: number, expiresTs: number | undefined) => ({
      tokenHash,
      userNid: 1,
      deviceNid,
      createdTs,
      expiresTs,
      refreshHash: undefined,
    })
    await transact(db, async (tx) => {
      for (const made of [
        token('old', 1, 10, 20),
        token('newest', 1, 11, 21),
        token('only', 2, 10, 20),
        token('valid', 3, 10, 99),
        token('endless', 4, 10, undefined),
      ]) {
        await tokens.insertAccessToken(tx, made)
        await tokens.insertRefreshToken(tx, made)
      }
    })
    await new ExpiredTokens(db).forget(50)
    await deleteInPieces(db, (tx, limit) => tokens.deleteExpiredRefreshTokens(tx, 50, limit))
    const left = await rawRows<{ token_hash: string }>(db, 'select token_hash from access_token order by token_hash')
    expect(left.map((row) => row.token_hash)).toEqual(['endless', 'newest', 'only', 'valid'])
    expect(await count(db, 'refresh_token')).toBe(2)
  })

  it('deletes tokens for third parties and other devices in several pieces', async () => {
    const db = await open()
    const found = await transact(db, async (tx) => {
      for (const name of ['a', 'b', 'c']) {
        await insertOpenIdToken(tx, name, 1, 10)
        await insertLoginToken(tx, name, 1, 10)
      }
      const [before, now] = [10, 11]
      return [
        await deleteExpiredOpenIdTokens(tx, before, 2),
        await deleteExpiredOpenIdTokens(tx, now, 2),
        await deleteExpiredOpenIdTokens(tx, now, 2),
        await deleteExpiredLoginTokens(tx, now, 2),
      ]
    })
    expect(found).toEqual([0, 2, 1, 2])
  })
})
