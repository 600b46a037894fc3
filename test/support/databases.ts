import { afterEach, describe } from 'vitest'
import { type DatabaseConfig, type DatabaseHooks, type Db, openDatabase } from '../../src/storage/db.ts'
import { type FreshDatabase, freshSqlite, postgresUrl } from './fresh-database.ts'
import { migratedPostgres, migratedSqlite } from './migrated-database.ts'

/** Opens a fresh database with all tables; closed and removed after the test. */
export type Open = (hooks?: DatabaseHooks) => Promise<Db>

/** The same tests on SQLite and, when `TEST_PG` names one, on PostgreSQL. */
export function withDatabases(title: string, tests: (open: Open, kind: DatabaseConfig['kind']) => void): void {
  suite(`${title} (SQLite)`, 'sqlite', sqlite, tests)
  const url = postgresUrl
  if (url !== undefined) suite(`${title} (PostgreSQL)`, 'postgres', () => postgres(url), tests)
}

async function sqlite(): Promise<FreshDatabase> {
  const database = await freshSqlite()
  await migratedSqlite(database.config.path)
  return database
}

async function postgres(url: string): Promise<FreshDatabase> {
  const { schema, release } = await migratedPostgres(url)
  return { config: { kind: 'postgres', url, schema, maxConnections: 4 }, remove: async () => release() }
}

function suite(
  title: string,
  kind: DatabaseConfig['kind'],
  fresh: () => Promise<FreshDatabase>,
  tests: (open: Open, kind: DatabaseConfig['kind']) => void,
): void {
  describe(title, () => {
    const opened: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const close of opened.splice(0)) await close()
    })
    tests(async (hooks) => {
      const { config, remove } = await fresh()
      const db = await openDatabase(config, hooks)
      opened.push(async () => {
        await db.destroy()
        await remove()
      })
      return db
    }, kind)
  })
}
