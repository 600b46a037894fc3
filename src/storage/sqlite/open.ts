import Database from 'better-sqlite3'
import type { Kysely } from 'kysely'
import type { Engine, Queries } from '../access.ts'
import type { DatabaseHooks, SqliteConfig } from '../config.ts'
import { CheckpointThread } from './checkpoint-thread.ts'
import { Checkpoints, LOG_LIMITS } from './checkpoints.ts'
import { SqliteDialect } from './dialect.ts'
import { SqliteDriver } from './driver.ts'
import { GroupCommit } from './group-commit.ts'
import { LogSync } from './log-sync.ts'
import { Pin } from './pin.ts'
import { Statements } from './statements.ts'

/** Of each connection; what is not in it comes from the system's memory. Twice as much made nothing faster. */
const CACHE_BYTES = 8 * 1024 * 1024

/** Opens one writing and one reading connection. */
export function openSqlite(config: SqliteConfig, hooks: DatabaseHooks): Engine {
  const writer = openWriter(config)
  const reader = connect(config, { readonly: true })
  const writing = new Statements(writer)
  const reading = new Statements(reader)
  const log = new LogSync(config.path, hooks.sync)
  const pin = new Pin(reading)
  const logPages = writing.prepare('pragma wal_checkpoint(noop)').raw() // as objects, each row would be compiled anew

  const group = new GroupCommit(writing, {
    async sync() {
      const synced = log.run()
      // While the disk is busy.
      const [, pages, checkpointed] = logPages.get() as [busy: number, log: number, checkpointed: number]
      checkpoints.consider({ log: pages, checkpointed })
      await synced
    },
    pin: () => pin.set(),
    unpin: () => pin.release(),
    onGroup: (size, waitMs) => hooks.onGroup?.(size, waitMs),
    onBroken: (error) => hooks.onFatal?.(error),
  })
  const thread = new CheckpointThread(config.path)
  const checkpoints = new Checkpoints(
    {
      checkpoint: () => thread.run(),
      hold: () => group.hold(),
      resume: () => group.resume(),
      onFailed: (error) => hooks.onCheckpointFailed?.(error),
    },
    config.log ?? LOG_LIMITS,
  )

  const driver = new SqliteDriver(reading, group, async () => {
    await group.idle()
    await checkpoints.close()
    await thread.close()
    reader.close()
    writer.close()
    log.close()
  })
  return { kind: 'sqlite', dialect: new SqliteDialect(driver), queries: (db) => queries(db, reading, group) }
}

function openWriter(config: SqliteConfig): Database.Database {
  const writer = connect(config, {})
  writer.pragma('journal_mode = wal')
  // Checkpoints are for their own thread.
  writer.pragma('wal_autocheckpoint = 0')
  // Every commit reaches the log at once; making the log durable is LogSync's part.
  writer.pragma('synchronous = normal')
  // A first transaction makes the log and its index, which the read-only connection and LogSync expect.
  writer.exec(
    'begin immediate; create table if not exists schema_version (version integer primary key not null, name text not null); commit',
  )
  return writer
}

function connect({ path, cacheBytes = CACHE_BYTES }: SqliteConfig, options: Database.Options): Database.Database {
  const database = new Database(path, options)
  database.pragma(`cache_size = -${Math.round(cacheBytes / 1024)}`)
  database.pragma('temp_store = memory')
  return database
}

function queries(db: Kysely<unknown>, reader: Statements, group: GroupCommit): Queries {
  if (!db.isTransaction) {
    return {
      rows: async (sql, params) => reader.rows(sql, params),
      run: async () => {
        throw new Error('A write needs a transaction')
      },
      send: () => {
        throw new Error('A write needs a transaction')
      },
    }
  }
  const ticket = group.current
  if (!ticket) throw new Error('The transaction has not begun')
  return {
    rows: async (sql, params) => group.statement(ticket, (writer) => writer.rows(sql, params)),
    run: async (sql, params) => group.statement(ticket, (writer) => writer.run(sql, params)),
    send(sql, params, expected) {
      const changed = group.statement(ticket, (writer) => writer.run(sql, params))
      if (expected && changed !== expected.rows) throw expected.otherwise()
    },
  }
}
