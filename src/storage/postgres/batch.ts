import type { Connection, Submittable } from 'pg'
import { storageFailure } from '../failure.ts'
import { parserOf } from './types.ts'

export interface Statement {
  readonly sql: string
  readonly params: readonly unknown[]
  /** What it is prepared as; undefined: for this once. */
  readonly name: string | undefined
  /** The failure that is meant when the statement divides by zero. */
  readonly otherwise?: (() => Error) | undefined
}

/** What the database says to one statement. */
export interface Answer {
  /** `INSERT 0 3`, `UPDATE 3`, `COMMIT`. */
  readonly tag: string
  readonly rows: Record<string, unknown>[]
}

/** How many rows the statement has written, or found. */
export const countOf = ({ tag }: Answer): number => Number(/\d+$/.exec(tag)?.[0] ?? 0)

/** What pg keeps in its connections: which statement each name was prepared for. */
interface Prepared {
  readonly parsedStatements: Readonly<Record<string, string>>
}

const DIVISION_BY_ZERO = '22012'

/**
 * Statements that go to the database in one piece, and whose answers come back in one. The first one that fails ends it:
 * the database passes over those behind it, a commit among them.
 */
export class Batch implements Submittable {
  readonly #statements: readonly Statement[]
  readonly #values: (string | Buffer | null)[][]
  readonly #last = Promise.withResolvers<Answer>()
  readonly #answers: Answer[] = []
  #columns: { name: string; parse(text: string): unknown }[] = []
  #rows: Record<string, unknown>[] = []

  constructor(statements: readonly Statement[]) {
    this.#statements = statements
    this.#values = statements.map(({ params }) => params.map(toValue))
  }

  /** The answer to the last statement, when all before it have been answered. */
  get answer(): Promise<Answer> {
    return this.#last.promise
  }

  /** For pg, which notes by `name` and `text` what has been prepared: those of the statement that is being answered. */
  get name(): string | undefined {
    return this.#current?.name
  }

  get text(): string | undefined {
    return this.#current?.sql
  }

  get #current(): Statement | undefined {
    return this.#statements[this.#answers.length]
  }

  submit(connection: Connection): void {
    const { parsedStatements } = connection as Connection & Prepared
    const parsed = new Set<string>()
    connection.stream.cork()
    for (const [index, { sql, name = '' }] of this.#statements.entries()) {
      if (name === '' || !(name in parsedStatements || parsed.has(name))) {
        connection.parse({ name, text: sql, types: [] }, true)
        parsed.add(name)
      }
      connection.bind({ statement: name, values: this.#values[index] }, true)
      connection.describe({ type: 'P' }, true)
      connection.execute(null, true)
    }
    connection.sync()
    connection.stream.uncork()
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: parserOf(dataTypeID) }))
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const row: Record<string, unknown> = {}
    for (const [index, { name, parse }] of this.#columns.entries()) {
      const text = fields[index] ?? null
      row[name] = text === null ? null : parse(text)
    }
    this.#rows.push(row)
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#answers.push({ tag: text, rows: this.#rows })
    this.#rows = []
  }

  handleReadyForQuery(): void {
    const last = this.#answers[this.#statements.length - 1]
    if (last) this.#last.resolve(last)
    else this.#last.reject(new Error('The database has not answered every statement'))
  }

  /** The database refuses the statement whose turn it is, or the connection has broken. */
  handleError(error: Error): void {
    const otherwise = 'code' in error && error.code === DIVISION_BY_ZERO ? this.#current?.otherwise : undefined
    this.#last.reject(otherwise ? otherwise() : storageFailure(error))
  }
}

function toValue(param: unknown): string | Buffer | null {
  if (param === null || param === undefined) return null
  if (param instanceof Uint8Array) return Buffer.from(param.buffer, param.byteOffset, param.byteLength)
  return String(param)
}
