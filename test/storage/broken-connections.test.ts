import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Db, openDatabase, type Tx, transact } from '../../src/storage/db.ts'
import { StorageAway } from '../../src/storage/failure.ts'
import { rawRows, rawRun, rawSend } from '../../src/storage/run.ts'
import { administrate, postgresUrl } from '../support/fresh-database.ts'
import { migratedPostgres } from '../support/migrated-database.ts'

const put = (tx: Tx, name: string) => rawSend(tx, 'insert into setting (name, value) values (?, ?)', [name, 'x'])
const touch = 'update setting set value = value where name = ?'

const names = async (db: Db) =>
  (await rawRows<{ name: string }>(db, 'select name from setting order by name')).map((row) => row.name)

const backendOf = async (tx: Tx) =>
  (await rawRows<{ pid: number }>(tx, 'select pg_backend_pid() as pid'))[0]?.pid.toString() ?? ''

describe.skipIf(postgresUrl === undefined)('a transaction on PostgreSQL whose connection breaks', () => {
  const url = postgresUrl ?? ''

  /** With one connection to hand out: who gets it next has what the one before has left. */
  async function open(maxConnections = 1): Promise<Db> {
    const { schema, release } = await migratedPostgres(url)
    const db = await openDatabase({ kind: 'postgres', url, schema, maxConnections })
    onTestFinished(async () => {
      await db.destroy()
      release()
    })
    return db
  }

  const kill = (pid: string) => administrate(url, 'select pg_terminate_backend($1::int, 5000)', [pid])

  async function isBlocked(pid: string): Promise<void> {
    const waits = "select 1 from pg_stat_activity where pid = $1::int and wait_event_type = 'Lock'"
    while ((await administrate(url, waits, [pid])).length === 0) await sleep(5)
  }

  it('between two statements is undone, and the next one has another connection', async () => {
    const db = await open()
    const broken = transact(db, async (tx) => {
      put(tx, 'a')
      await kill(await backendOf(tx))
      put(tx, 'b')
    })
    await expect(broken).rejects.toThrow(StorageAway)
    await transact(db, async (tx) => put(tx, 'c'))
    expect(await names(db)).toEqual(['c'])
  })

  it('and whose body fails is told of by the failure of the body', async () => {
    const db = await open()
    const error = new Error('no')
    const broken = transact(db, async (tx) => {
      await kill(await backendOf(tx))
      throw error
    })
    await expect(broken).rejects.toBe(error)
    expect(await names(db)).toEqual([])
  })

  it('at what came along with the commit is no success', async () => {
    const db = await open(2)
    await transact(db, async (tx) => put(tx, 'contended'))
    const holding = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const holder = transact(db, async (tx) => {
      await rawRun(tx, touch, ['contended'])
      held.resolve()
      await holding.promise
    })
    await held.promise
    let pid = ''
    const broken = transact(db, async (tx) => {
      pid = await backendOf(tx)
      put(tx, 'a')
      rawSend(tx, touch, ['contended'])
      put(tx, 'b')
    })
    const outcome = expect(broken).rejects.toThrow(StorageAway)
    while (pid === '') await sleep(5)
    await isBlocked(pid)
    await kill(pid)
    await outcome
    holding.resolve()
    await holder
    expect(await names(db)).toEqual(['contended'])
    await transact(db, async (tx) => put(tx, 'later'))
    expect(await names(db)).toEqual(['contended', 'later'])
  })
})
