import { CompiledQuery, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'
import type { Engine, Queries } from '../access.ts'
import type { DatabaseHooks, PostgresConfig } from '../config.ts'
import { storageFailure } from '../failure.ts'
import { DatabaseUnsuitable } from '../unsuitable.ts'
import { numberPlaceholders } from './placeholders.ts'
import { createPool, preparingPool } from './pool.ts'

/** Opens a pool of connections to a database that has been checked. */
export async function openPostgres(config: PostgresConfig, _hooks: DatabaseHooks): Promise<Engine> {
  const pool = createPool(config)
  try {
    await checkCollation(pool)
  } catch (error) {
    await pool.end()
    throw storageFailure(error)
  }
  return {
    kind: 'postgres',
    dialect: new PostgresDialect({ pool: preparingPool(pool) }),
    queries(db): Queries {
      const run = (sql: string, params: readonly unknown[]) =>
        db.executeQuery(CompiledQuery.raw(numberPlaceholders(sql), [...params]))
      return {
        rows: async (sql, params) => (await run(sql, params)).rows,
        run: async (sql, params) => {
          if (!db.isTransaction) throw new Error('A write needs a transaction')
          return Number((await run(sql, params)).numAffectedRows ?? 0)
        },
      }
    },
  }
}

interface Encoding {
  name: string
  collation: string
  encoding: string
  by_bytes: boolean
}

/** Text must sort by its bytes, as on SQLite: any other order differs from server to server, and changes with upgrades. */
async function checkCollation(pool: Pool): Promise<void> {
  const { rows } = await pool.query<Encoding>(
    `select datname as name, datcollate as collation, pg_encoding_to_char(encoding) as encoding,
       'B' < 'a' and 'z' < 'é' and 'a b' < 'aa' and 'a-b' < 'aa' as by_bytes
     from pg_database where datname = current_database()`,
  )
  const [database] = rows
  if (!database || (database.by_bytes && database.encoding === 'UTF8')) return
  throw new DatabaseUnsuitable(
    `The PostgreSQL database "${database.name}" has encoding ${database.encoding} and sorts text by ` +
      `${database.collation}, not by its bytes. Make it anew: ` +
      `create database "${database.name}" encoding 'UTF8' locale 'C' template template0`,
  )
}
