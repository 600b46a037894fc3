import { accessOf, type Param, type Queries, setAccess } from '../../src/storage/access.ts'
import type { Db } from '../../src/storage/db.ts'
import { rawRows } from '../../src/storage/run.ts'

interface Watched {
  readonly sql: string
  readonly params: readonly Param[]
  /** How many rows it read, or changed; of a write that was sent, as many as were expected. */
  readonly rows: number
}

/** Statements that `work` runs, in their order. */
export async function statementsOf(db: Db, work: () => Promise<unknown>): Promise<Watched[]> {
  const seen: Watched[] = []
  const access = accessOf(db)
  const watched = (queries: Queries): Queries => ({
    rows: async (sql, params) => {
      const found = await queries.rows(sql, params)
      seen.push({ sql, params, rows: found.length })
      return found
    },
    run: async (sql, params) => {
      const rows = await queries.run(sql, params)
      seen.push({ sql, params, rows })
      return rows
    },
    send: (sql, params, expected) => {
      queries.send(sql, params, expected)
      seen.push({ sql, params, rows: expected?.rows ?? 0 })
    },
  })
  const engine = { ...access.engine, queries: (of: Db) => watched(access.engine.queries(of)) }
  setAccess(db, { ...access, engine, queries: watched(access.queries) })
  await work().finally(() => setAccess(db, access))
  return seen
}

/** How many rows statements read or changed. */
export const rowsOf = (statements: readonly Watched[]): number => statements.reduce((sum, { rows }) => sum + rows, 0)

/**
 * How SQLite goes about the statements of `work`: a line for each table, with the index and the columns by which it finds
 * its rows (`explain query plan`). What a line does not narrow down is read and thrown away, however much of it there is.
 */
export async function plansOf(db: Db, work: () => Promise<unknown>): Promise<string[]> {
  const statements = new Map((await statementsOf(db, work)).map(({ sql, params }) => [sql, params]))
  const plans: string[] = []
  for (const [sql, params] of statements) {
    const steps = await rawRows<{ detail: string }>(db, `explain query plan ${sql}`, params)
    plans.push(...steps.map(({ detail }) => detail))
  }
  return plans
}
