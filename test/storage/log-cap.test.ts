import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, it } from 'vitest'
import { type Db, openDatabase, transact } from '../../src/storage/db.ts'
import { rawRows, rawRun } from '../../src/storage/run.ts'
import { freshSqlite } from '../support/fresh-database.ts'

const PAGE_BYTES = 4_096
const CAP_PAGES = 200
const WRITERS = 20
const WRITES_EACH = 100
const ROUNDS = 6

describe('the write-ahead log', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function open(): Promise<{ db: Db; path: string; logBytes(): number }> {
    const { config, remove } = await freshSqlite()
    closing.push(remove)
    const failures: unknown[] = []
    const db = await openDatabase(
      { ...config, log: { checkpointPages: 50, capPages: CAP_PAGES } },
      { onCheckpointFailed: (error) => failures.push(error) },
    )
    closing.push(async () => {
      await db.destroy()
      expect(failures).toEqual([])
    })
    await transact(db, (tx) => tx.schema.createTable('blob').addColumn('value', 'blob').execute())
    return { db, path: config.path, logBytes: () => statSync(`${config.path}-wal`).size }
  }

  /** Each write fills a page and more. */
  const writeMuch = (db: Db) =>
    Promise.all(
      Array.from({ length: WRITERS }, async () => {
        for (let i = 0; i < WRITES_EACH; i++) {
          await transact(db, (tx) => rawRun(tx, 'insert into blob (value) values (?)', [randomBytes(PAGE_BYTES)]))
        }
      }),
    )

  it('starts over when it reaches its cap, although one write follows the other', async () => {
    const { db, logBytes } = await open()
    // The first round lasts as long as the checkpoint's thread takes to start.
    for (let round = 0; round < ROUNDS; round++) await writeMuch(db)
    expect(logBytes()).toBeLessThan((ROUNDS * WRITERS * WRITES_EACH * PAGE_BYTES) / 3)
    expect(await rawRows(db, 'select count(*) as count from blob')).toEqual([{ count: ROUNDS * WRITERS * WRITES_EACH }])
  })

  it('grows, but stops no writer, while somebody else reads an old state', async () => {
    const { db, path, logBytes } = await open()
    const reader = new Database(path, { readonly: true })
    reader.exec('begin')
    reader.prepare('select count(*) from blob').get()
    await writeMuch(db)
    const grown = logBytes()
    expect(grown).toBeGreaterThan(WRITERS * WRITES_EACH * PAGE_BYTES)
    reader.exec('commit')
    reader.close()
    for (let round = 1; round < ROUNDS; round++) await writeMuch(db)
    expect(logBytes()).toBeLessThan((ROUNDS * grown) / 2)
  })
})
