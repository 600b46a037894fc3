import { accessOf, type Param, type Queries, setAccess } from '../../src/storage/access.ts'
import type { Db } from '../../src/storage/db.ts'
import { rawRows } from '../../src/storage/run.ts'

/**
 * How SQLite goes about the statements of `work`: a line for each table, with the index and the columns by which it finds
 * its rows (`explain query plan`). What a line does not narrow down is read and thrown away, however much of it there is.
 */
export async function plansOf(db: Db, work: () => Promise<unknown>): Promise<string[]> {
  const statements = new Map<string, readonly Param[]>()
  const access = accessOf(db)
  const watched = (queries: Queries): Queries => ({
    rows: (sql, params) => {
      statements.set(sql, params)
      return queries.rows(sql, params)
    },
    run: (sql, params) => {
      statements.set(sql, params)
      return queries.run(sql, params)
    },
  })
  const engine = { ...access.engine, queries: (of: Db) => watched(access.engine.queries(of)) }
  setAccess(db, { ...access, engine, queries: watched(access.queries) })
  await work().finally(() => setAccess(db, access))
  const plans: string[] = []
  for (const [sql, params] of statements) {
    const steps = await rawRows<{ detail: string }>(db, `explain query plan ${sql}`, params)
    plans.push(...steps.map(({ detail }) => detail))
  }
  return plans
}
