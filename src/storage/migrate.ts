import { sql } from 'kysely'
import { type Db, type Tx, transact } from './db.ts'
import { columns, kindOf } from './dialect.ts'
import { type Migration, migrations } from './migrations.ts'
import { rawRows, rawRun } from './run.ts'

/** The database was last used by a newer version of the program. */
export class DatabaseTooNew extends Error {
  override readonly name = 'DatabaseTooNew'
}

/** Brings the tables up to date and returns the names of the migrations that ran. */
export async function migrate(db: Db, all: readonly Migration[] = migrations): Promise<string[]> {
  await transact(db, async (tx) => {
    await oneAtATime(tx)
    await tx.schema
      .createTable('schema_version')
      .ifNotExists()
      .addColumn('version', 'bigint', (col) => col.primaryKey().notNull())
      .addColumn('name', 'text', (col) => col.notNull())
      .execute()
  })
  const ran: string[] = []
  for (const [index, migration] of all.entries()) {
    if (await transact(db, (tx) => step(tx, index + 1, migration, all.length))) ran.push(migration.name)
  }
  return ran
}

/** Number of the last migration that this database has seen; 0 for an empty one. */
export async function schemaVersion(db: Db | Tx): Promise<number> {
  const [row] = await rawRows<{ version: number | null }>(db, 'select max(version) as version from schema_version')
  return row?.version ?? 0
}

async function step(tx: Tx, version: number, migration: Migration, known: number): Promise<boolean> {
  await oneAtATime(tx)
  const current = await schemaVersion(tx)
  if (current > known) {
    throw new DatabaseTooNew(
      `The database has schema version ${current}; this program knows versions up to ${known}. Run the newer program, or restore a backup.`,
    )
  }
  if (current >= version) return false
  await migration.up(tx, columns[kindOf(tx)])
  await rawRun(tx, 'insert into schema_version (version, name) values (?, ?)', [version, migration.name])
  return true
}

/** Of two processes that start at once on PostgreSQL the second waits, and finds the work done. */
async function oneAtATime(tx: Tx): Promise<void> {
  if (kindOf(tx) !== 'postgres') return
  await sql`select pg_advisory_xact_lock(hashtextextended('bongsu schema ' || current_schema(), 0))`.execute(tx)
}
