import { accessOf, type Expected, type Param } from './access.ts'
import type { Db, Tx } from './db.ts'

export type { Expected, Param } from './access.ts'

/**
 * Runs a constant statement with `?` placeholders and returns its rows: for hot paths, where building a query each time
 * costs more than running it. On a `Tx` it is part of the transaction; on a `Db` it is a read.
 */
export const rawRows = <Row>(db: Db | Tx, sql: string, params: readonly Param[] = []): Promise<Row[]> =>
  accessOf(db).queries.rows(sql, params) as Promise<Row[]>

/** The same for a write whose rows nobody needs; returns how many rows it changed. */
export const rawRun = (tx: Tx, sql: string, params: readonly Param[] = []): Promise<number> =>
  accessOf(tx).queries.run(sql, params)

/**
 * The same for a write whose outcome nobody needs to know before the commit, or which is `expected`: on PostgreSQL it
 * travels with the next query, or with the commit, and costs no journey of its own.
 */
export const rawSend = (tx: Tx, sql: string, params: readonly Param[] = [], expected?: Expected): void =>
  accessOf(tx).queries.send(sql, params, expected)

/** `(?, ?), (?, ?)`: the value lists of a multi-row insert of `rows` rows. */
export function valueLists(rows: number, columns: number): string {
  const one = `(${'?, '.repeat(columns - 1)}?)`
  return `${`${one}, `.repeat(rows - 1)}${one}`
}

/**
 * `values (cast(? as bigint), cast(? as text)), …`: `rows` rows as a table whose columns are `column1`, `column2` …
 * What nothing tells PostgreSQL the type of, it takes for text: hence the casts.
 */
export function valuesOf(rows: number, ...types: readonly ('bigint' | 'text')[]): string {
  const one = `(${types.map((type) => `cast(? as ${type})`).join(', ')})`
  return `values ${`${one}, `.repeat(rows - 1)}${one}`
}

/** `?, ?, ?`: the placeholders of an `in` list of `count` values. */
export const places = (count: number): string => `${'?, '.repeat(count - 1)}?`
