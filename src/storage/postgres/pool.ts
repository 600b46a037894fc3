import pg, { type Pool } from 'pg'
import type { PostgresConfig } from '../config.ts'
import { parserOf } from './types.ts'

const MAX_CONNECTIONS = 10

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    format === 'binary' ? pg.types.getTypeParser(oid, format) : parserOf(oid),
}

/** How every connection of ours is made. */
export const clientConfig = ({ url, schema }: PostgresConfig): pg.ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  types,
  ...(schema !== undefined && { options: `-c search_path=${schema}` }),
})

/** Connections that open when they are needed; one that breaks costs the query that used it, never the process. */
export function createPool(config: PostgresConfig): Pool {
  const pool = new pg.Pool({ ...clientConfig(config), max: config.maxConnections ?? MAX_CONNECTIONS })
  // A connection that breaks is told to whoever uses it by its query, and the pool opens another one; without these
  // listeners it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
