import { CompiledQuery, type Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import type { Pool } from 'pg'
import type { Engine, Queries } from '../access.ts'
import type { DatabaseHooks, PostgresConfig } from '../config.ts'
import { storageFailure } from '../failure.ts'
import { DatabaseUnsuitable } from '../unsuitable.ts'
import { countOf } from './batch.ts'
import { PostgresDriver } from './driver.ts'
import { numberPlaceholders } from './placeholders.ts'
import { createPool } from './pool.ts'
import { Session } from './session.ts'
import type { PostgresTransaction } from './transaction.ts'

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
    dialect: {
      createDriver: () => new PostgresDriver(pool),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
    queries: (db) => (db.isTransaction ? queriesOf(transactionOf(db)) : reads(db)),
  }
}

const reads = (db: Kysely<unknown>): Queries => ({
  rows: async (sql, params) => (await db.executeQuery(CompiledQuery.raw(numberPlaceholders(sql), [...params]))).rows,
  run: async () => {
    throw new Error('A write needs a transaction')
  },
  send: () => {
    throw new Error('A write needs a transaction')
  },
})

const queriesOf = (transaction: PostgresTransaction): Queries => ({
  rows: async (sql, params) => (await transaction.query(numberPlaceholders(sql), params)).rows,
  run: async (sql, params) => countOf(await transaction.query(numberPlaceholders(sql), params)),
  send: (sql, params, expected) => transaction.send(sql, params, expected),
})

/** The transaction that has begun on the connection of this one of Kysely's. */
function transactionOf(tx: Kysely<unknown>): PostgresTransaction {
  let transaction: PostgresTransaction | undefined
  // Nothing else uses the connection yet, so that it is handed over at once.
  void tx.getExecutor().provideConnection(async (session) => {
    if (session instanceof Session) transaction = session.transaction
  })
  if (!transaction) throw new Error('The transaction has not begun')
  return transaction
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
