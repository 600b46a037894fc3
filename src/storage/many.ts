import { chunks } from '../util/chunks.ts'
import type { Db, Tx } from './db.ts'
import { type Param, places, rawRows, rawRun, rawSend, valueLists } from './run.ts'

// Statements over any number of rows or values: so many of them at a time, and no statement where there are none.

/** Values of one insert; SQLite takes 32,766 and PostgreSQL 65,535. */
const MAX_INSERTED = 2_000
/** Values of one `in` list. */
const MAX_LISTED = 500
/**
 * A list is filled up with its last value to one of these lengths. Statements stay prepared, and one of each length that
 * came along took 34 MiB after a room of a thousand, each of whom asked for one user less than the one before.
 */
const LENGTHS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, MAX_LISTED]

type Row = readonly Param[]

/**
 * Inserts rows, each the values of the columns that `into` names behind the table; `onConflict` is the end of the
 * statement. Returns how many rows were written.
 */
export async function insertRows(tx: Tx, into: string, rows: readonly Row[], onConflict = ''): Promise<number> {
  let written = 0
  for (const part of insertable(rows)) written += await rawRun(tx, insertion(into, part, onConflict), part.flat())
  return written
}

/** The same without waiting for it (see `rawSend`); `otherwise`: what to fail with when a row could not be written. */
export function sendRows(tx: Tx, into: string, rows: readonly Row[], onConflict = '', otherwise?: () => Error): void {
  for (const part of insertable(rows)) {
    const expected = otherwise && { rows: part.length, otherwise }
    rawSend(tx, insertion(into, part, onConflict), part.flat(), expected)
  }
}

const insertable = (rows: readonly Row[]) => chunks(rows, Math.floor(MAX_INSERTED / (rows[0]?.length ?? 1)))

const insertion = (into: string, rows: readonly Row[], onConflict: string): string =>
  `insert into ${into} values ${valueLists(rows.length, rows[0]?.length ?? 0)} ${onConflict}`

/** The rows of a query that ends with `… in`, for these values; `params` belong to the places before that. */
export async function rowsIn<Row>(
  db: Db,
  query: string,
  values: readonly Param[],
  params: readonly Param[] = [],
): Promise<Row[]> {
  const rows: Row[] = []
  for (const part of chunks(values, MAX_LISTED)) {
    const list = filledUp(part)
    const found = await rawRows<Row>(db, `${query} (${places(list.length)})`, [...params, ...list])
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
    const list = filledUp(part)
    changed += await rawRun(tx, `${statement} (${places(list.length)})`, [...params, ...list])
  }
  return changed
}

const filledUp = (values: readonly Param[]): readonly Param[] => {
  const length = LENGTHS.find((one) => one >= values.length) ?? values.length
  return [...values, ...Array<Param>(length - values.length).fill(values.at(-1) as Param)]
}
