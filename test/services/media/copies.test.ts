import { expect, it } from 'vitest'
import type { MediaFiles } from '../../../src/services/media/files.ts'
import { MediaCare } from '../../../src/services/media/media-care.ts'
import { transact } from '../../../src/storage/db.ts'
import { insertRows } from '../../../src/storage/many.ts'
import { rawRows } from '../../../src/storage/run.ts'
import { FakeClock } from '../../support/clock.ts'
import { withDatabases } from '../../support/databases.ts'
import { rowsOf, statementsOf } from '../../support/statements.ts'

const MONTH_MS = 30 * 24 * 3_600_000
const COPIES = 1_300
const MAX = 1_200

withDatabases('copies of other servers’ files', (open) => {
  it('are counted once, and added up as they come and go', async () => {
    const db = await open()
    const clock = new FakeClock()
    const failures: unknown[] = []
    const care = new MediaCare({
      db,
      clock,
      files: { remove: async () => true } as unknown as MediaFiles,
      keepCopiesMs: MONTH_MS,
      maxCopiesBytes: MAX * 10,
      onFailure: (error) => failures.push(error),
    })
    const add = (name: string, count: number) =>
      transact(db, (tx) =>
        insertRows(
          tx,
          'media (server_name, media_id, created_ts, used_ts, hash, bytes)',
          Array.from({ length: count }, (_, i) => ['b.example', `${name}${i}`, 1, clock.now(), `${name}${i}`, 10]),
        ),
      )
    const count = async () => (await rawRows(db, 'select media_id from media')).length
    await add('old', COPIES)
    await care.sweepCopies()
    expect(await count()).toBe(MAX)
    expect(rowsOf(await statementsOf(db, () => care.sweepCopies()))).toBe(0)
    clock.advance(1)
    await add('new', 50)
    care.onCopied(500)
    await care.sweepCopies()
    expect(await count()).toBe(MAX - 10) // twenty at a time
    clock.advance(MONTH_MS)
    await care.sweepCopies()
    expect(await count()).toBe(50)
    await add('many', MAX - 50)
    care.onCopied((MAX - 50) * 10)
    expect(rowsOf(await statementsOf(db, () => care.sweepCopies()))).toBe(0)
    expect(failures).toEqual([])
  })
})
