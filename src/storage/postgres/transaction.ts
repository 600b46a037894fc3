import { AbortedTransactionError } from 'kysely'
import type { Expected, Param } from '../access.ts'
import type { Answer, Statement } from './batch.ts'
import { numberPlaceholders } from './placeholders.ts'

/** What a transaction needs of its connection. */
interface Line {
  statement(sql: string, params?: readonly unknown[], otherwise?: () => Error): Statement
  run(statements: readonly Statement[]): Promise<Answer>
}

/**
 * A transaction that counts its journeys: what nobody waits for stays here until the next query, or the commit, and goes
 * with it. So does the beginning. The commit is the last of its batch: the database comes to it only when every
 * statement before it has done what it should.
 */
export class PostgresTransaction {
  readonly #line: Line
  #waiting: Statement[]
  #hasBegun = false
  #hasEnded = false

  constructor(line: Line) {
    this.#line = line
    this.#waiting = [line.statement('begin')]
  }

  /** Has a statement go to the database with the next query, or with the commit. */
  send(sql: string, params: readonly Param[], expected?: Expected): void {
    this.#assertOpen()
    this.#waiting.push(
      expected
        ? this.#line.statement(numberPlaceholders(counted(sql)), [...params, expected.rows], expected.otherwise)
        : this.#line.statement(numberPlaceholders(sql), params),
    )
  }

  async query(sql: string, params: readonly unknown[]): Promise<Answer> {
    this.#assertOpen()
    this.#waiting.push(this.#line.statement(sql, params))
    return this.#sendAll()
  }

  async commit(): Promise<void> {
    this.#hasEnded = true
    if (!this.#hasBegun && this.#waiting.length === 1) return // there is only the beginning
    this.#waiting.push(this.#line.statement('commit'))
    const { tag } = await this.#sendAll()
    // What it says of a transaction in which a statement had failed is `ROLLBACK`.
    if (tag !== 'COMMIT') throw new AbortedTransactionError()
  }

  async rollback(): Promise<void> {
    this.#hasEnded = true
    if (!this.#hasBegun) return
    this.#waiting = [this.#line.statement('rollback')]
    await this.#sendAll()
  }

  /** The answer to the last of those that wait. */
  #sendAll(): Promise<Answer> {
    this.#hasBegun = true
    return this.#line.run(this.#waiting.splice(0))
  }

  #assertOpen(): void {
    if (this.#hasEnded) throw new Error('This transaction has ended')
  }
}

/** The statement, which divides by zero, and so ends the transaction, when it changes another number of rows. */
const counted = (sql: string): string =>
  `with changed as (${sql} returning 1) select 1 / (count(*) = ?)::int from changed`
