import { describe, expect, it, onTestFinished } from 'vitest'
import type { UserId } from '../../../src/matrix/ids.ts'
import { openDatabase } from '../../../src/storage/db.ts'
import { postgresUrl } from '../../support/fresh-database.ts'
import { countedWay } from '../../support/journeys.ts'
import { migratedPostgres } from '../../support/migrated-database.ts'
import { joining, makeRoom, message, openDoor, user } from '../../support/rooms.ts'

const alice = user('alice')

describe.skipIf(postgresUrl === undefined)('what is written to PostgreSQL', () => {
  const url = postgresUrl ?? ''

  /** How many journeys a message costs in a room that these have joined. */
  async function journeysOfMessage(others: readonly UserId[]): Promise<number> {
    const way = await countedWay(url)
    const { schema, release } = await migratedPostgres(url)
    const db = await openDatabase({ kind: 'postgres', url: way.url, schema })
    onTestFinished(async () => {
      await db.destroy()
      release()
    })
    const door = await openDoor(db)
    const roomId = await makeRoom(door, alice)
    for (const userId of others) await door.append.send(roomId, { draft: joining(userId) })
    const send = (txnId: string) =>
      door.append.send(roomId, { draft: message(alice, txnId), txn: { deviceNid: 1, txnId } })
    await send('finds the names')
    way.journeys = 0
    await send('costs what all later ones do')
    return way.journeys
  }

  it('costs two journeys when it is a message: for its position, and with all the rest', async () => {
    expect(await journeysOfMessage([])).toBe(2)
  })

  it('costs as many where other servers wait for it', async () => {
    expect(await journeysOfMessage(['@bob:other.org', '@carol:third.org'])).toBe(2)
  })
})
