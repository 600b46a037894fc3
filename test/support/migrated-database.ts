import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type DatabaseConfig, openDatabase } from '../../src/storage/db.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { administrate } from './fresh-database.ts'
import { currentRun } from './run.ts'

/*
 * Databases with all tables and nothing in them. To make the tables takes ten times as long as the rest of a server's
 * start on SQLite, and a hundred times on PostgreSQL: so a file is made once in a run and copied, and a schema is
 * emptied for the test that comes next.
 */

/** Makes an SQLite database at this path. */
export async function migratedSqlite(path: string): Promise<void> {
  const template = join(currentRun().folder, 'migrated.db')
  if (!existsSync(template)) {
    const draft = `${template}-${randomBytes(8).toString('hex')}`
    await migrateNew({ kind: 'sqlite', path: draft })
    renameSync(draft, template) // another process may have been as fast
  }
  copyFileSync(template, path)
}

/** Lends a schema in PostgreSQL; who has ended using it calls `release`. */
export async function migratedPostgres(url: string): Promise<{ schema: string; release(): void }> {
  const schema = freeName()
  lent.add(schema)
  try {
    if (!(await empty(url, schema))) {
      await administrate(url, `create schema ${schema}`)
      await migrateNew({ kind: 'postgres', url, schema, maxConnections: 1 })
    }
  } catch (error) {
    lent.delete(schema)
    throw error
  }
  return { schema, release: () => lent.delete(schema) }
}

const lent = new Set<string>()

/** Schemas stay from one test file to the next; each process that runs tests at the same time has names of its own. */
function freeName(): string {
  const prefix = `${currentRun().schemaPrefix}${process.env.VITEST_POOL_ID}_`
  for (let count = 1; ; count++) if (!lent.has(prefix + count)) return prefix + count
}

async function migrateNew(config: DatabaseConfig): Promise<void> {
  const db = await openDatabase(config)
  await migrate(db).finally(() => db.destroy())
}

/** Brings the tables back to how migrations leave them; false: there are none. */
async function empty(url: string, schema: string): Promise<boolean> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string; kind: string }>(
      `select c.relname as name, c.relkind as kind from pg_class c
       join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'S')`,
      [schema],
    )
    if (rows.length === 0) return false
    const statements = rows.flatMap(({ name, kind }) => {
      if (name === 'schema_version') return []
      return kind === 'S' ? `alter sequence ${schema}.${name} restart` : `delete from ${schema}.${name}`
    })
    await client.query([...statements, `insert into ${schema}.counter values (1, 0, 0, 0)`].join(';'))
    return true
  } finally {
    await client.end()
  }
}
