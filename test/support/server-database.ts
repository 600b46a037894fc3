import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/schema.ts'
import { postgresUrl } from './fresh-database.ts'
import { migratedPostgres, migratedSqlite } from './migrated-database.ts'

/** The database of a test server: the same one whenever a server is started in the same directory. */
export interface ServerDatabase {
  readonly config: NonNullable<ConfigInput['database']>
  remove(): void
}

/** An SQLite file in the directory; in the tests' second run, the one on PostgreSQL, a schema lent to it. */
export async function serverDatabase(directory: string): Promise<ServerDatabase> {
  const url = process.env.TEST_SERVERS_ON === 'postgres' ? postgresUrl : undefined
  if (url === undefined) {
    const path = join(directory, 'bongsu.db')
    if (!existsSync(path)) await migratedSqlite(path)
    return { config: { kind: 'sqlite', path, cache: '2MiB' }, remove: () => {} } // it goes with the directory
  }
  const known = schemas.get(directory)
  if (known !== undefined) return known
  const { schema, release } = await migratedPostgres(url)
  const database: ServerDatabase = {
    config: { kind: 'postgres', url, schema, max_connections: 4 },
    remove: () => {
      if (schemas.delete(directory)) release()
    },
  }
  schemas.set(directory, database)
  return database
}

const schemas = new Map<string, ServerDatabase>()
