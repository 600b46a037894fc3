import { Kysely, sql, type Transaction } from 'kysely'
import { accessOf, setAccess } from './access.ts'
import type { DatabaseConfig, DatabaseHooks } from './config.ts'
import { isDeadlock } from './failure.ts'
import { openPostgres } from './postgres/open.ts'
import { openSqlite } from './sqlite/open.ts'

export type { DatabaseConfig, DatabaseHooks } from './config.ts'

/**
 * Kysely has the transactions and the migrations. It knows no tables: statements are constant text (`run.ts`), because to
 * build one costs more than to run it.
 */
export type Db = Kysely<unknown>
export type Tx = Transaction<unknown>

/** Opens the database and checks that it can serve; `migrate` then brings its tables up to date. */
export async function openDatabase(config: DatabaseConfig, hooks: DatabaseHooks = {}): Promise<Db> {
  const engine = config.kind === 'sqlite' ? openSqlite(config, hooks) : await openPostgres(config, hooks)
  const db: Db = new Kysely({ dialect: engine.dialect })
  setAccess(db, { engine, queries: engine.queries(db) })
  // Kysely's `destroy` closes only what has been used.
  await sql`select 1`.execute(db)
  return db
}

/**
 * Runs `body` in a transaction and resolves once what it wrote would survive a power cut. Inside, await queries only,
 * and only through `tx`: SQLite runs one transaction at a time, so one that waits for anything else is undone and
 * refused. `body` changes nothing but the database, because PostgreSQL may have it repeated after a deadlock; what
 * follows from it belongs behind `transact`, or into `afterCommit`.
 */
export async function transact<T>(db: Db, body: (tx: Tx) => Promise<T>): Promise<T> {
  const { engine } = accessOf(db)
  for (let attempt = 1; ; attempt++) {
    const afterCommit: (() => void)[] = []
    try {
      const result = await db.transaction().execute((tx) => {
        setAccess(tx, { engine, queries: engine.queries(tx), afterCommit })
        return body(tx)
      })
      for (const follow of afterCommit) follow()
      return result
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isDeadlock(error)) throw error
    }
  }
}

const MAX_ATTEMPTS = 5

/** Has `follow` run once the transaction is durable, before `transact` resolves; never, if it is undone. */
export function afterCommit(tx: Tx, follow: () => void): void {
  const follows = accessOf(tx).afterCommit
  if (!follows) throw new Error('afterCommit needs a transaction')
  follows.push(follow)
}
