import { statSync } from 'node:fs'
import { type DatabaseHooks, type Db, openDatabase } from '../../src/storage/db.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { rawRows } from '../../src/storage/run.ts'
import { type FreshDatabase, freshPostgres, freshSqlite, postgresUrl } from '../../test/support/fresh-database.ts'

/** An empty database with all tables, for a measurement of the storage alone. */
export interface BenchDatabase {
  readonly kind: string
  readonly db: Db
  /** The same database with nothing in memory. */
  reopen(): Promise<Db>
  /** Bytes of the tables on the disk; SQLite's log is not counted. */
  bytes(): Promise<number>
}

/** SQLite and, when `TEST_PG` names one, PostgreSQL; each is closed and removed before the next comes. */
export async function* freshDatabases(hooks: DatabaseHooks = {}): AsyncGenerator<BenchDatabase> {
  const fresh: (() => Promise<FreshDatabase>)[] = [freshSqlite]
  const url = postgresUrl
  if (url !== undefined) fresh.push(() => freshPostgres(url))
  for (const make of fresh) {
    const { config, remove } = await make()
    let db = await openDatabase(config, hooks)
    await migrate(db)
    try {
      yield {
        kind: config.kind,
        db,
        async reopen() {
          await db.destroy()
          db = await openDatabase(config, hooks)
          return db
        },
        bytes: async () => (config.kind === 'sqlite' ? statSync(config.path).size : postgresBytes(db)),
      }
    } finally {
      await db.destroy()
      await remove()
    }
  }
}

async function postgresBytes(db: Db): Promise<number> {
  const [row] = await rawRows<{ bytes: number }>(
    db,
    'select sum(pg_total_relation_size(oid)) as bytes from pg_class where relnamespace = current_schema()::regnamespace and relkind = ?',
    ['r'],
  )
  return row?.bytes ?? 0
}
