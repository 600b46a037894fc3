import Database from 'better-sqlite3'
import { takeBoth } from '../../src/storage/counter.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { rawRun } from '../../src/storage/run.ts'

/** Writes one numbered entry, in the two tables that a torn transaction would make differ. */
export const writeEntry = (db: Db, entry: string): Promise<void> =>
  transact(db, async (tx) => {
    const { pos } = await takeBoth(tx, 1, 1)
    await rawRun(tx, 'insert into setting (name, value) values (?, ?)', [entry, String(pos)])
    await rawRun(tx, 'insert into name (text) values (?)', [`${entry} ${'x'.repeat(300)}`])
  })

/** What a database file holds after a crash, read by SQLite alone. */
export interface Ledger {
  readonly entries: Set<string>
  /** What is wrong with it; empty when all is well. */
  readonly damage: string[]
}

export function readLedger(path: string): Ledger {
  const database = new Database(path)
  try {
    const integrity = database.pragma('integrity_check') as { integrity_check: string }[]
    const damage = integrity.map((row) => row.integrity_check).filter((line) => line !== 'ok')
    const rows = database.prepare('select name, value from setting').all() as { name: string; value: string }[]
    const { names } = database.prepare('select count(*) as names from name').get() as { names: number }
    const { pos } = database.prepare('select pos from counter').get() as { pos: number }
    if (names !== rows.length) damage.push(`${rows.length} entries, but ${names} in the other table`)
    if (new Set(rows.map((row) => row.value)).size !== rows.length) damage.push('a position was given out twice')
    if (rows.some((row) => Number(row.value) > pos)) damage.push('a position lies beyond the counter')
    return { entries: new Set(rows.map((row) => row.name)), damage }
  } finally {
    database.close()
  }
}
