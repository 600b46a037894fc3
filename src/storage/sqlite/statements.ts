import type { Database, Statement } from 'better-sqlite3'
import type { QueryResult } from 'kysely'
import { lruCache } from '../../util/lru.ts'
import type { Param } from '../access.ts'
import { storageFailure } from '../failure.ts'

type Prepared = Statement<unknown[], unknown>

const MAX_STATEMENTS = 1000

/** One connection and its prepared statements: preparing costs several times what a point read does. */
export class Statements {
  readonly database: Database
  readonly #prepared = lruCache<string, Prepared>(MAX_STATEMENTS)

  constructor(database: Database) {
    this.database = database
  }

  rows(sql: string, params: readonly unknown[]): unknown[] {
    try {
      const statement = this.#get(sql)
      if (statement.reader) return statement.all(params)
      statement.run(params)
      return []
    } catch (error) {
      throw storageFailure(error)
    }
  }

  /** A statement of Kysely's, with all that it wants to know. */
  result(sql: string, params: readonly unknown[]): QueryResult<unknown> {
    try {
      const statement = this.#get(sql)
      if (statement.reader) return { rows: statement.all(params) }
      const { changes, lastInsertRowid } = statement.run(params)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    } catch (error) {
      throw storageFailure(error)
    }
  }

  run(sql: string, params: readonly Param[]): number {
    try {
      const statement = this.#get(sql)
      return statement.reader ? statement.all(params).length : statement.run(params).changes
    } catch (error) {
      throw storageFailure(error)
    }
  }

  /** Prepared for good, for the few statements that run with every group. */
  prepare(sql: string): Prepared {
    return this.database.prepare<unknown[], unknown>(sql)
  }

  #get(sql: string): Prepared {
    let statement = this.#prepared.get(sql)
    if (!statement) {
      statement = this.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}
