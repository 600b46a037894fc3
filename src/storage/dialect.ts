/**
 * Everything that differs between SQLite and PostgreSQL in the text of a statement, both versions side by side.
 */
import { type ColumnDefinitionBuilder, type RawBuilder, sql } from 'kysely'
import { accessOf } from './access.ts'
import type { Db, Tx } from './db.ts'

export type DialectKind = 'sqlite' | 'postgres'

export const kindOf = (db: Db | Tx): DialectKind => accessOf(db).engine.kind

/** What a migration uses beside `text`, `bigint` and `smallint`. */
export interface Columns {
  /** The type of a generated integer key, which `serialKey` completes. Numbers of deleted rows never come again. */
  readonly serial: 'integer' | 'bigint'
  readonly serialKey: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
  /** At the end of a table that is always read by its primary key: the rows live in the key's tree. */
  readonly clustered: RawBuilder<unknown>
  readonly bytes: 'blob' | 'bytea'
}

export const columns: Record<DialectKind, Columns> = {
  sqlite: {
    serial: 'integer',
    serialKey: (column) => column.primaryKey().autoIncrement().notNull(),
    clustered: sql`without rowid`,
    bytes: 'blob',
  },
  postgres: {
    serial: 'bigint',
    serialKey: (column) => column.primaryKey().generatedByDefaultAsIdentity().notNull(),
    clustered: sql``,
    bytes: 'bytea',
  },
}
