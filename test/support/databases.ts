import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe } from 'vitest'
import { type DatabaseConfig, type DatabaseHooks, type Db, openDatabase } from '../../src/storage/db.ts'
import { migrate } from '../../src/storage/migrate.ts'

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
    remove: () => administrate(url, `drop schema ${schema} cascade`),
  }
}

async function administrate(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

/** Opens a fresh database with all tables; closed and removed after the test. */
export type Open = (hooks?: DatabaseHooks) => Promise<Db>

/** The same tests on SQLite and, when `TEST_PG` names one, on PostgreSQL. */
export function withDatabases(title: string, tests: (open: Open, kind: DatabaseConfig['kind']) => void): void {
  suite(`${title} (SQLite)`, 'sqlite', freshSqlite, tests)
  const url = postgresUrl
  if (url !== undefined) suite(`${title} (PostgreSQL)`, 'postgres', () => freshPostgres(url), tests)
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
      await migrate(db)
      return db
    }, kind)
  })
}
