import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { DatabaseConfig } from '../../src/storage/db.ts'

/** The PostgreSQL database that tests may use; they make a schema of their own in it. */
export const postgresUrl = process.env.TEST_PG

/** A database of a test's own. */
export interface FreshDatabase {
  readonly config: DatabaseConfig
  remove(): Promise<void>
}

/** An empty SQLite file in a folder of its own. */
export async function freshSqlite(): Promise<FreshDatabase & { config: { kind: 'sqlite'; path: string } }> {
  const folder = await mkdtemp(join(tmpdir(), 'bongsu-'))
  return {
    config: { kind: 'sqlite', path: join(folder, 'bongsu.db') },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** An empty schema in the PostgreSQL database of `TEST_PG`. */
export async function freshPostgres(url: string): Promise<FreshDatabase> {
  const schema = `test_${randomBytes(8).toString('hex')}`
  await administrate(url, `create schema ${schema}`)
  return {
    config: { kind: 'postgres', url, schema, maxConnections: 4 },
    remove: async () => void (await administrate(url, `drop schema ${schema} cascade`)),
  }
}

/** Runs statements on the one connection that this process keeps for it: a new one would have to learn all tables anew. */
export async function administrate(url: string, statement: string, params?: string[]): Promise<pg.QueryResultRow[]> {
  connection ??= new pg.Pool({ connectionString: url, max: 1, idleTimeoutMillis: 0, allowExitOnIdle: true })
  return (await connection.query(statement, params)).rows
}

let connection: pg.Pool | undefined
