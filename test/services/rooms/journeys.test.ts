import { describe, expect, it, onTestFinished } from 'vitest'
import type { UserId } from '../../../src/matrix/ids.ts'
import { openDatabase } from '../../../src/storage/db.ts'
import { StorageAway } from '../../../src/storage/failure.ts'
import { rawRows } from '../../../src/storage/run.ts'
import { postgresUrl } from '../../support/fresh-database.ts'
import { migratedPostgres } from '../../support/migrated-database.ts'
import { type Door, joining, makeRoom, message, openDoor, user } from '../../support/rooms.ts'
import { type Way, wayToPostgres } from '../../support/way-to-postgres.ts'

const alice = user('alice')

describe.skipIf(postgresUrl === undefined)('what is written to PostgreSQL', () => {
  const url = postgresUrl ?? ''

  async function open(): Promise<{ way: Way; door: Door }> {
    const way = await wayToPostgres(url)
    const { schema, release } = await migratedPostgres(url)
    const db = await openDatabase({ kind: 'postgres', url: way.url, schema })
    onTestFinished(async () => {
      await db.destroy()
      release()
    })
    return { way, door: await openDoor(db) }
  }

  /** How many journeys a message costs in a room that these have joined. */
  async function journeysOfMessage(others: readonly UserId[]): Promise<number> {
    const { way, door } = await open()
    const roomId = await makeRoom(door, alice)
    for (const userId of others) await door.append.send(roomId, { draft: joining(userId) })
    const send = (txnId: string) =>
      door.append.send(roomId, { draft: message(alice, txnId), txn: { deviceNid: 1, pathCrc: 1, txnId } })
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

  it('is there once when it is sent again because nobody has heard that it was committed', async () => {
    const { way, door } = await open()
    const roomId = await makeRoom(door, alice)
    const txn = { deviceNid: 1, pathCrc: 1, txnId: 'once' }
    const send = () => door.append.send(roomId, { draft: message(alice, 'once'), txn })
    way.losesCommits = true
    await expect(send()).rejects.toThrow(StorageAway)
    way.losesCommits = false
    const { eventId } = await send()
    const events = await rawRows(door.db, "select event_id from event where json like '%once%'")
    expect(events).toEqual([{ event_id: eventId }])
  })
})
