import type { Dialect, Kysely } from 'kysely'

export type Param = string | number | bigint | null | Uint8Array

/** What a write must do; everything of its transaction is undone when it does something else. */
export interface Expected {
  /** So many rows it changes. */
  readonly rows: number
  /** What the transaction fails with if not. */
  readonly otherwise: () => Error
}

/** Constant SQL with `?` placeholders, run without Kysely's building and compiling. */
export interface Queries {
  rows(sql: string, params: readonly Param[]): Promise<unknown[]>
  /** Returns the number of rows changed. */
  run(sql: string, params: readonly Param[]): Promise<number>
  /** A write that nobody waits for: it fails here, or with a later query of its transaction, or with the commit. */
  send(sql: string, params: readonly Param[], expected?: Expected): void
}

/** One of the two databases, opened. */
export interface Engine {
  readonly kind: 'sqlite' | 'postgres'
  readonly dialect: Dialect
  /** The queries of `db`: reads, or, when it is a transaction that is beginning just now, part of that transaction. */
  queries(db: Kysely<unknown>): Queries
}

/** What storage knows of a `Db` or a `Tx` beyond Kysely. */
export interface Access {
  /** The same object for a database and all its transactions; caches hang on it. */
  readonly engine: Engine
  readonly queries: Queries
  /** Present in a transaction: what to do once it is durable. */
  readonly afterCommit?: (() => void)[]
}

const accesses = new WeakMap<Kysely<unknown>, Access>()

/** For `openDatabase` and `transact` alone. */
export const setAccess = (db: Kysely<unknown>, access: Access) => accesses.set(db, access)

/** Throws for what neither of them made. */
export function accessOf(db: Kysely<unknown>): Access {
  const access = accesses.get(db)
  if (!access) throw new Error('Neither a database of openDatabase nor a transaction of transact')
  return access
}
