import {
  type DataTypeNode,
  type Dialect,
  type Driver,
  type Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'

/** Transactions queue for the one writer by themselves, and a failed migration rolls back. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections() {
    return true
  }

  override get supportsTransactionalDdl() {
    return true
  }
}

/** `bigint primary key` must read `integer primary key`: only so is the key the row's own number, without a second tree. */
class Compiler extends SqliteQueryCompiler {
  protected override visitDataType(node: DataTypeNode): void {
    this.append(node.dataType === 'bigint' ? 'integer' : node.dataType)
  }
}

/** SQLite as Kysely sees it, for the transactions and the migrations: statements go past it (see `db.ts`). */
export class SqliteDialect implements Dialect {
  readonly #driver: Driver

  constructor(driver: Driver) {
    this.#driver = driver
  }

  createDriver() {
    return this.#driver
  }

  createQueryCompiler() {
    return new Compiler()
  }

  createAdapter() {
    return new Adapter()
  }

  createIntrospector(db: Kysely<unknown>) {
    return new SqliteIntrospector(db)
  }
}
