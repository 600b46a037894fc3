import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
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
  const tables = await administrate(
    url,
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r' and pg_relation_size(c.oid) > 0`, // most of them nobody has used
    [schema],
  )
  if (tables.length === 0) return false
  const statements = tables.map(({ name }) => {
    if (name === 'schema_version') return 'select 1'
    // Without this row the next server would make the tables of the search anew.
    if (name === 'search_place') return `update ${schema}.search_place set event_nid = 0, event_id = '', again = 0`
    return `delete from ${schema}.${name}`
  })
  await administrate(
    url,
    `${statements.join(';')};
     insert into ${schema}.counter values (1, 0, 0, 0);
     select setval(c.oid::regclass, 1, false) from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = '${schema}' and c.relkind = 'S'`,
  )
  return true
}
