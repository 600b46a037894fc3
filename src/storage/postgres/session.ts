import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import type { PoolClient } from 'pg'
import { type Answer, Batch, countOf, type Statement } from './batch.ts'
import type { Names } from './names.ts'
import { PostgresTransaction } from './transaction.ts'

/** A connection of the pool while somebody has it: it reads, until a transaction begins on it. */
export class Session implements DatabaseConnection {
  readonly #client: PoolClient
  readonly #names: Names
  #transaction: PostgresTransaction | undefined
  #isBroken = false

  constructor(client: PoolClient, names: Names) {
    this.#client = client
    this.#names = names
  }

  get transaction(): PostgresTransaction | undefined {
    return this.#transaction
  }

  begin(): void {
    this.#transaction = new PostgresTransaction(this)
  }

  /** Undoes the transaction: one whose connection does not answer any more is undone with its connection. */
  async rollback(): Promise<void> {
    try {
      await this.#transaction?.rollback()
    } catch {
      this.#isBroken = true
    }
  }

  release(): void {
    this.#client.release(this.#isBroken)
  }

  statement(sql: string, params: readonly unknown[] = [], otherwise?: () => Error): Statement {
    return { sql, params, name: this.#names.of(sql), otherwise }
  }

  /** Sends statements in one piece and, once all have been answered, returns the last answer. */
  async run(statements: readonly Statement[]): Promise<Answer> {
    const batch = new Batch(statements)
    this.#client.query(batch)
    try {
      return await batch.answer
    } catch (error) {
      // Who asked says more than who read from the socket.
      if (error instanceof Error) Error.captureStackTrace(error)
      throw error
    }
  }

  /** A statement of Kysely's. */
  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const answer = this.#transaction
      ? await this.#transaction.query(sql, parameters)
      : await this.run([this.statement(sql, parameters)])
    return { rows: answer.rows as R[], numAffectedRows: BigInt(countOf(answer)) }
  }

  // biome-ignore lint/correctness/useYield: part of the interface, and nothing here streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streaming is not supported: page through the rows')
  }
}
