import { chunks } from '../util/chunks.ts'
import type { Db, Tx } from './db.ts'
import { type Param, places, rawRows, rawRun, valueLists } from './run.ts'

// Statements over any number of rows or values: so many of them at a time, and no statement where there are none.

/** Values of one insert; SQLite takes 32,766 and PostgreSQL 65,535. */
const MAX_INSERTED = 2_000
/** Values of one `in` list. */
const MAX_LISTED = 500

/**
 * Inserts rows, each the values of the columns that `into` names behind the table; `onConflict` is the end of the
 * statement. Returns how many rows were written.
 */
export async function insertRows(
  tx: Tx,
  into: string,
  rows: readonly (readonly Param[])[],
  onConflict = '',
): Promise<number> {
  const columns = rows[0]?.length ?? 0
  let written = 0
  for (const part of chunks(rows, Math.floor(MAX_INSERTED / columns))) {
    const sql = `insert into ${into} values ${valueLists(part.length, columns)} ${onConflict}`
    written += await rawRun(tx, sql, part.flat())
  }
  return written
}

/** The rows of a query that ends with `… in`, for these values; `params` belong to the places before that. */
export async function rowsIn<Row>(
  db: Db,
  query: string,
  values: readonly Param[],
  params: readonly Param[] = [],
): Promise<Row[]> {
  const rows: Row[] = []
  for (const part of chunks(values, MAX_LISTED)) {
    const found = await rawRows<Row>(db, `${query} (${places(part.length)})`, [...params, ...part])
    for (const row of found) rows.push(row)
  }
  return rows
}

/** The same for a write; returns how many rows it changed. */
export async function runIn(
  tx: Tx,
  statement: string,
  values: readonly Param[],
  params: readonly Param[] = [],
): Promise<number> {
  let changed = 0
  for (const part of chunks(values, MAX_LISTED)) {
    changed += await rawRun(tx, `${statement} (${places(part.length)})`, [...params, ...part])
  }
  return changed
}
