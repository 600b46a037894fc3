import { expect, it } from 'vitest'
import { collapseQueue } from '../../src/federation/sending/collapse.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { deleteInPieces } from '../../src/storage/expire.ts'
import { deleteQueue, queueEdus, queueEvents } from '../../src/storage/federation/outbox.ts'
import { rawRows } from '../../src/storage/run.ts'
import { withDatabases } from '../support/databases.ts'

const EVENTS = 1_700
const [AWAY, ANOTHER] = [1, 2]

withDatabases('what waits for a server', (open) => {
  const queued = async (db: Db, serverNid: number) => {
    const sql = 'select event_nid from outbox_event where server_nid = ? order by event_nid'
    return (await rawRows<{ event_nid: number }>(db, sql, [serverNid])).map((row) => row.event_nid)
  }
  async function scene(): Promise<Db> {
    const db = await open()
    const events = Array.from({ length: EVENTS }, (_, i) => ({ event_nid: i + 1, room_nid: (i + 1) % 3 }))
    await transact(db, async (tx) => {
      for (const server_nid of [AWAY, ANOTHER]) {
        queueEvents(
          tx,
          events.map((event) => ({ ...event, server_nid })),
        )
        await queueEdus(
          tx,
          events.map(() => ({ server_nid, edu: '{}' })),
        )
      }
    })
    return db
  }

  it('becomes the newest event of each room where the server is long gone', async () => {
    const db = await scene()
    await collapseQueue(db, AWAY)
    expect(await queued(db, AWAY)).toEqual([EVENTS - 2, EVENTS - 1, EVENTS])
    expect(await queued(db, ANOTHER)).toHaveLength(EVENTS)
  })

  it('is forgotten piece by piece', async () => {
    const db = await scene()
    const found: number[] = []
    await deleteInPieces(db, async (tx, limit) => {
      const count = await deleteQueue(tx, AWAY, limit)
      found.push(count)
      return count
    })
    expect(found).toEqual([...Array<number>(34).fill(50), 0])
    const edus = 'select count(*) as count from outbox_edu where server_nid = ?'
    expect(await queued(db, AWAY)).toEqual([])
    expect(await rawRows(db, edus, [AWAY])).toEqual([{ count: 0 }])
    expect(await rawRows(db, edus, [ANOTHER])).toEqual([{ count: EVENTS }])
  })
})
