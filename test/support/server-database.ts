import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/schema.ts'
import { administrate, postgresUrl } from './fresh-database.ts'

/** The database of a test server: the same one whenever a server is started in the same directory. */
export interface ServerDatabase {
  readonly config: NonNullable<ConfigInput['database']>
  remove(): Promise<void>
}

/** An SQLite file in the directory; in the tests' second run, the one on PostgreSQL, a schema named after it. */
export async function serverDatabase(directory: string): Promise<ServerDatabase> {
  const url = process.env.TEST_SERVERS_ON === 'postgres' ? postgresUrl : undefined
  if (url === undefined) {
    const config = { kind: 'sqlite' as const, path: join(directory, 'bongsu.db'), cache: '2MiB' }
    return { config, remove: async () => {} } // it goes with the directory
  }
  const schema = `server_${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`
  await administrate(url, `create schema if not exists ${schema}`)
  return {
    config: { kind: 'postgres', url, schema, max_connections: 4 },
    remove: () => administrate(url, `drop schema if exists ${schema} cascade`),
  }
}
