import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Db, openDatabase, transact } from '../../src/storage/db.ts'
import { StorageFull } from '../../src/storage/failure.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { rawRows, rawRun } from '../../src/storage/run.ts'
import { smallDisk } from '../support/small-disk.ts'
import { readLedger, writeEntry } from './ledger.ts'
import { rounds, timeoutMs } from './length.ts'

const DISK_MIB = 8
const FILLER_BYTES = 3 * 1024 * 1024
const BLOB_BYTES = 40_000

const writeBlob = (db: Db, name: string) =>
  transact(db, (tx) =>
    rawRun(tx, 'insert into profile (user_nid, field, value) values (1, ?, ?)', [
      name,
      randomBytes(BLOB_BYTES / 2).toString('hex'),
    ]),
  )

/** Writes of all sizes at once, until the disk has refused several; returns those that were acknowledged. */
async function fill(db: Db, label: string): Promise<{ entries: Set<string>; blobs: Set<string>; refused: unknown[] }> {
  const entries = new Set<string>()
  const blobs = new Set<string>()
  const refused: unknown[] = []
  for (let batch = 0; refused.length < 20 && batch < 500; batch++) {
    const names = Array.from({ length: 10 }, (_, i) => `${label}.${batch}.${i}`)
    await Promise.all(
      names.map(async (name, i) => {
        try {
          if (i < 3) await writeBlob(db, name).then(() => blobs.add(name))
          else await writeEntry(db, name).then(() => entries.add(name))
        } catch (error) {
          refused.push(error)
        }
      }),
    )
  }
  return { entries, blobs, refused }
}

describe('a full disk', () => {
  it(
    'refuses writes, damages nothing, and serves again once there is room',
    async ({ skip }) => {
      const folder = smallDisk(DISK_MIB)
      if (folder === undefined) return skip('mounting a small disk needs root on Linux')
      for (const round of rounds(1)) {
        for (const name of readdirSync(folder)) rmSync(join(folder, name))
        const filler = join(folder, 'filler')
        writeFileSync(filler, randomBytes(FILLER_BYTES))
        const path = join(folder, 'bongsu.db')
        const fatal: unknown[] = []
        const db = await openDatabase(
          { kind: 'sqlite', path, log: { checkpointPages: 100, capPages: 300 } },
          { onFatal: (error) => fatal.push(error) },
        )
        await migrate(db)

        const first = await fill(db, `first${round}`)
        expect(first.refused.length).toBeGreaterThan(0)
        expect(first.refused.filter((error) => !(error instanceof StorageFull))).toEqual([])
        expect(fatal).toEqual([])
        const stored = await rawRows<{ field: string }>(db, 'select field from profile')
        expect(new Set(stored.map((row) => row.field))).toEqual(first.blobs)

        rmSync(filler)
        await writeEntry(db, 'there is room')
        const second = await fill(db, `second${round}`)
        await db.destroy()

        rmSync(filler, { force: true })
        const { entries, damage } = readLedger(path)
        expect(damage).toEqual([])
        expect(entries).toEqual(new Set([...first.entries, 'there is room', ...second.entries]))
      }
    },
    timeoutMs,
  )
})
