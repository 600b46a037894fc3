import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../../src/storage/db.ts'
import { postgresUrl } from '../../support/fresh-database.ts'
import { countedWay } from '../../support/journeys.ts'
import { migratedPostgres } from '../../support/migrated-database.ts'
import { makeRoom, message, openDoor, user } from '../../support/rooms.ts'

const alice = user('alice')

describe.skipIf(postgresUrl === undefined)('what is written to PostgreSQL', () => {
  it('costs two journeys when it is a message: for its position, and with all the rest', async () => {
    const url = postgresUrl ?? ''
    const way = await countedWay(url)
    const { schema, release } = await migratedPostgres(url)
    const db = await openDatabase({ kind: 'postgres', url: way.url, schema })
    onTestFinished(async () => {
      await db.destroy()
      release()
    })
    const door = await openDoor(db)
    const roomId = await makeRoom(door, alice)
    const send = (txnId: string) =>
      door.append.send(roomId, { draft: message(alice, txnId), txn: { deviceNid: 1, txnId } })
    await send('finds the names')
    way.journeys = 0
    await send('costs what all later ones do')
    expect(way.journeys).toBe(2)
  })
})
