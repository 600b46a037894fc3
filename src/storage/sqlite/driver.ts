import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import type { GroupCommit, Ticket } from './group-commit.ts'
import type { Statements } from './statements.ts'

/** What Kysely takes for a connection: it reads, until a transaction begins on it. */
class Handle implements DatabaseConnection {
  readonly #reader: Statements
  readonly #writer: GroupCommit
  ticket: Ticket | undefined

  constructor(reader: Statements, writer: GroupCommit) {
    this.#reader = reader
    this.#writer = writer
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (!this.ticket) return this.#reader.result(sql, parameters) as QueryResult<R>
    return this.#writer.statement(this.ticket, (writer) => writer.result(sql, parameters)) as QueryResult<R>
  }

  // biome-ignore lint/correctness/useYield: part of the interface, and nothing here streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('Streaming is not supported: page through the rows')
  }
}

/** Hands out readers; a transaction of Kysely's is one body of a group commit. */
export class SqliteDriver implements Driver {
  readonly #reader: Statements
  readonly #writer: GroupCommit
  readonly #close: () => Promise<void>

  constructor(reader: Statements, writer: GroupCommit, close: () => Promise<void>) {
    this.#reader = reader
    this.#writer = writer
    this.#close = close
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<Handle> {
    return new Handle(this.#reader, this.#writer)
  }

  async beginTransaction(handle: Handle): Promise<void> {
    handle.ticket = await this.#writer.begin()
  }

  async commitTransaction({ ticket }: Handle): Promise<void> {
    if (ticket) await this.#writer.commit(ticket)
  }

  async rollbackTransaction({ ticket }: Handle): Promise<void> {
    if (ticket) this.#writer.rollback(ticket)
  }

  async releaseConnection(): Promise<void> {}

  destroy(): Promise<void> {
    return this.#close()
  }
}
