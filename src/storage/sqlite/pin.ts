import type { Database } from 'better-sqlite3'
import type { Statements } from './statements.ts'

/** Keeps the readers with one state of the database, while a commit that came after it is not yet durable. */
export class Pin {
  readonly #reader: Database
  readonly #sql: Record<'begin' | 'look' | 'end', ReturnType<Statements['prepare']>>

  constructor(reading: Statements) {
    this.#reader = reading.database
    this.#sql = {
      begin: reading.prepare('begin'),
      // A transaction begins with its first read.
      look: reading.prepare('select 1 from sqlite_schema limit 1'),
      end: reading.prepare('commit'),
    }
  }

  set(): void {
    this.#sql.begin.run()
    this.#sql.look.get()
  }

  release(): void {
    if (this.#reader.inTransaction) this.#sql.end.run()
  }
}
