import { expect, it } from 'vitest'
import { type Db, type Tx, transact } from '../../src/storage/db.ts'
import { sendRows } from '../../src/storage/many.ts'
import { rawRows, rawRun, rawSend } from '../../src/storage/run.ts'
import { withDatabases } from '../support/databases.ts'

const INSERT = 'insert into setting (name, value) values (?, ?)'
const put = (tx: Tx, name: string) => rawSend(tx, INSERT, [name, 'x'])
const remove = (tx: Tx, name: string, otherwise: () => Error) =>
  rawSend(tx, 'delete from setting where name = ?', [name], { rows: 1, otherwise })

const names = async (db: Db) =>
  (await rawRows<{ name: string }>(db, 'select name from setting order by name')).map((row) => row.name)

class Gone extends Error {}

withDatabases('writes that are sent', (open, kind) => {
  it('are there for the next query of their transaction, in their order, and for all after the commit', async () => {
    const db = await open()
    await transact(db, async (tx) => {
      put(tx, 'a')
      put(tx, 'b')
      remove(tx, 'a', () => new Gone())
      expect(await names(tx)).toEqual(['b'])
      put(tx, 'c')
    })
    expect(await names(db)).toEqual(['b', 'c'])
  })

  it('fail their transaction, those before and behind them with it, when the database refuses one', async () => {
    const db = await open()
    await transact(db, async (tx) => put(tx, 'there'))
    const failing = transact(db, async (tx) => {
      put(tx, 'before')
      put(tx, 'there')
      put(tx, 'behind')
    })
    await expect(failing).rejects.toThrow(/unique/i)
    expect(await names(db)).toEqual(['there'])
    await transact(db, async (tx) => put(tx, 'later'))
    expect(await names(db)).toEqual(['later', 'there'])
  })

  it('fail it with what was said when they change another number of rows than is expected', async () => {
    const db = await open()
    await transact(db, async (tx) => put(tx, 'there'))
    const withCommit = transact(db, async (tx) => {
      put(tx, 'before')
      remove(tx, 'away', () => new Gone())
      put(tx, 'behind')
    })
    await expect(withCommit).rejects.toThrow(Gone)
    const withQuery = transact(db, async (tx) => {
      const rows = [['there', 'again'] as const, ['before', 'x'] as const]
      sendRows(tx, 'setting (name, value)', rows, 'on conflict (name) do nothing', () => new Gone())
      await names(tx)
    })
    await expect(withQuery).rejects.toThrow(Gone)
    expect(await names(db)).toEqual(['there'])
  })

  it('are undone with a body that throws, whether the database has heard of them or not', async () => {
    const db = await open()
    const error = new Error('no')
    const failing = transact(db, async (tx) => {
      put(tx, 'a')
      await names(tx)
      put(tx, 'b')
      throw error
    })
    await expect(failing).rejects.toBe(error)
    expect(await names(db)).toEqual([])
  })

  it('are refused when their transaction is over, and outside of one', async () => {
    const db = await open()
    let ended: Tx | undefined
    await transact(db, async (tx) => {
      ended = tx
      put(tx, 'a')
    })
    const tx = ended as Tx
    expect(() => put(tx, 'b')).toThrow('This transaction has ended')
    await expect(names(tx)).rejects.toThrow('This transaction has ended')
    expect(() => put(db as Tx, 'b')).toThrow('A write needs a transaction')
    expect(await names(db)).toEqual(['a'])
  })

  if (kind !== 'postgres') return

  it('are not committed by a body that goes on after a failure', async () => {
    const db = await open()
    const failing = transact(db, async (tx) => {
      put(tx, 'a')
      await rawRun(tx, INSERT, ['a', 'x']).catch(() => {})
      return 'done'
    })
    await expect(failing).rejects.toThrow('rolled back')
    expect(await names(db)).toEqual([])
  })
})
