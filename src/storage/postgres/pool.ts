import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import pg, { type Pool, type PoolClient } from 'pg'
import type { PostgresConfig } from '../config.ts'
import { storageFailure } from '../failure.ts'

const BIGINT = 20
const NUMERIC = 1700
const MAX_CONNECTIONS = 10

/** Numbers as numbers: no count, sum or position of ours leaves the range of exact integers. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === BIGINT || oid === NUMERIC ? Number : pg.types.getTypeParser(oid, format as 'text'),
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

/** Statements that came up this often are prepared by name; so many of them at most, for each connection keeps them all. */
const PREPARE_AFTER = 3
const MAX_NAMED = 300

/** Names of prepared statements: pg prepares a named statement once for each connection. */
class Names {
  readonly #seen = new Map<string, number>()
  readonly #names = new Map<string, string>()

  of(sql: string): string | undefined {
    const name = this.#names.get(sql)
    if (name !== undefined || this.#names.size >= MAX_NAMED) return name
    const seen = (this.#seen.get(sql) ?? 0) + 1
    if (this.#seen.size > 10 * MAX_NAMED) this.#seen.clear()
    this.#seen.set(sql, seen)
    if (seen < PREPARE_AFTER) return undefined
    this.#names.set(sql, `s${this.#names.size}`)
    return this.#names.get(sql)
  }
}

/** The pool as Kysely's driver takes it, with prepared statements and failures that say what is wrong. */
export function preparingPool(pool: Pool): PostgresPool {
  const names = new Names()
  const clients = new WeakMap<PoolClient, PostgresPoolClient>()
  return {
    async connect() {
      const client = await pool.connect().catch((error) => {
        throw storageFailure(error)
      })
      let preparing = clients.get(client)
      if (!preparing) {
        preparing = preparingClient(client, names)
        clients.set(client, preparing)
      }
      return preparing
    },
    end: () => pool.end(),
    options: pool.options,
  }
}

function preparingClient(client: PoolClient, names: Names): PostgresPoolClient {
  function query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  function query(statement: unknown, values: readonly unknown[] = []): unknown {
    if (typeof statement !== 'string') throw new Error('Cursors are not supported: page through the rows')
    const name = names.of(statement)
    return client
      .query({ text: statement, values: [...values], ...(name !== undefined && { name }) })
      .catch((error) => {
        throw storageFailure(error)
      })
  }
  return { query, release: (broken) => client.release(broken) }
}
