import { onTestFinished } from 'vitest'
import { type DatabaseHooks, type Db, openDatabase } from '../../src/storage/db.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { freshSqlite } from './fresh-database.ts'

/** A database with all tables on SQLite, whose disk and commits a test watches; it ends with the test. */
export async function openHooked(hooks: DatabaseHooks): Promise<Db> {
  const { config, remove } = await freshSqlite()
  const db = await openDatabase(config, hooks)
  onTestFinished(async () => {
    await db.destroy()
    await remove()
  })
  await migrate(db)
  return db
}
