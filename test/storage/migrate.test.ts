import { afterEach, describe, expect, it } from 'vitest'
import { txnAt } from '../../src/services/rooms/entry.ts'
import { type Db, openDatabase, transact } from '../../src/storage/db.ts'
import { DatabaseTooNew, migrate, schemaVersion } from '../../src/storage/migrate.ts'
import { type Migration, migrations } from '../../src/storage/migrations.ts'
import { rawRows, rawRun } from '../../src/storage/run.ts'
import { type FreshDatabase, freshPostgres, freshSqlite, postgresUrl } from '../support/fresh-database.ts'

const makes = (table: string): Migration => ({
  name: `makes ${table}`,
  up: (db) => db.schema.createTable(table).addColumn('value', 'bigint').execute(),
})

const fails: Migration = {
  name: 'fails half way',
  async up(db) {
    await db.schema.createTable('half').addColumn('value', 'bigint').execute()
    await db.schema.dropTable('first').execute()
    throw new Error('interrupted')
  },
}

/** The tables that migrations made; other tests have schemas of their own in the same PostgreSQL database. */
async function tablesOf({ db, schema }: Opened): Promise<string[]> {
  const tables = (await db.introspection.getTables()).filter((table) => table.schema === schema)
  return tables
    .map(({ name }) => name)
    .filter((name) => name !== 'schema_version')
    .sort()
}

interface Opened {
  readonly db: Db
  /** On PostgreSQL. */
  readonly schema: string | undefined
}

const suites: [string, () => Promise<FreshDatabase>][] = [['SQLite', freshSqlite]]
if (postgresUrl !== undefined) suites.push(['PostgreSQL', () => freshPostgres(postgresUrl as string)])

describe.each(suites)('migrations (%s)', (_, fresh) => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function open(): Promise<Opened> {
    const { config, remove } = await fresh()
    const db = await openDatabase(config)
    closing.push(remove, () => db.destroy())
    return { db, schema: config.kind === 'postgres' ? config.schema : undefined }
  }

  it('run once each, in order', async () => {
    const { db } = await open()
    expect(await migrate(db, [makes('first')])).toEqual(['makes first'])
    expect(await migrate(db, [makes('first'), makes('second')])).toEqual(['makes second'])
    expect(await migrate(db, [makes('first'), makes('second')])).toEqual([])
    expect(await schemaVersion(db)).toBe(2)
  })

  it('leave the old database whole when one is interrupted', async () => {
    const opened = await open()
    const { db } = opened
    await migrate(db, [makes('first')])
    await expect(migrate(db, [makes('first'), makes('second'), fails])).rejects.toThrow('interrupted')
    expect(await schemaVersion(db)).toBe(2)
    expect(await tablesOf(opened)).toEqual(['first', 'second'])
  })

  it('refuse a database of a newer program, and change nothing in it', async () => {
    const opened = await open()
    const { db } = opened
    await migrate(db, [makes('first'), makes('second')])
    await expect(migrate(db, [makes('other')])).rejects.toThrow(DatabaseTooNew)
    expect(await tablesOf(opened)).toEqual(['first', 'second'])
  })

  it('make the tables of this version', async () => {
    const opened = await open()
    const { db } = opened
    expect(await migrate(db)).toEqual(migrations.map(({ name }) => name))
    expect(await tablesOf(opened)).toContain('event')
  })

  it('keep what transaction ids have produced, by the paths of the requests', async () => {
    const { db } = await open()
    await migrate(db, migrations.slice(0, 1))
    const [message, reaction] = [
      { nid: 1, type: 'm.room.message' },
      { nid: 2, type: 'm.reaction' },
    ]
    await transact(db, async (tx) => {
      for (const { nid, type } of [message, reaction]) {
        await rawRun(tx, 'insert into name (nid, text) values (?, ?)', [nid, type])
        await rawRun(
          tx,
          `insert into event (nid, event_id, room_nid, depth, type_nid, sender_nid, ts, kind, auth, auth_rank, json)
           values (?, ?, 1, 1, ?, 1, 1, 0, '[]', 0, '{}')`,
          [nid, `$${nid}`, nid],
        )
        await rawRun(tx, 'insert into transaction_id values (?, ?, ?, ?, ?)', [7, 8, `m${nid}`, nid, 9])
      }
    })
    await migrate(db)
    expect(await rawRows(db, 'select * from transaction_id order by event_nid')).toEqual(
      [message, reaction].map(({ nid, type }) => ({
        device_nid: 7,
        room_nid: 8,
        path_crc: txnAt(`send/${type}`, { deviceNid: 7 }, '').pathCrc,
        txn_id: `m${nid}`,
        event_nid: nid,
        created_ts: 9,
      })),
    )
  })

  it('may be run by two who start at once', async () => {
    const { db } = await open()
    const ran = await Promise.all([migrate(db, [makes('first')]), migrate(db, [makes('first')])])
    expect(ran.flat()).toEqual(['makes first'])
  })
})
