import { expect, it } from 'vitest'
import { currentPosition, takeBoth } from '../../src/storage/counter.ts'
import { afterCommit, type Db, type Tx, transact } from '../../src/storage/db.ts'
import { rawRows, rawRun, rawSend } from '../../src/storage/run.ts'
import { withDatabases } from '../support/databases.ts'

const put = (tx: Tx, name: string) => rawRun(tx, 'insert into setting (name, value) values (?, ?)', [name, 'x'])

const names = async (db: Db) =>
  (await rawRows<{ name: string }>(db, 'select name from setting order by name')).map((row) => row.name)

withDatabases('transactions', (open, kind) => {
  it('undoes everything of a body that throws, and nothing of the others', async () => {
    const db = await open()
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) =>
        transact(db, async (tx) => {
          await put(tx, name)
          if (name === 'b') throw new Error('no')
          return name
        }),
      ),
    )
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await names(db)).toEqual(['a', 'c'])
  })

  it('shows a transaction its own writes, and nobody else before it ends', async () => {
    const db = await open()
    await transact(db, async (tx) => {
      await put(tx, 'a')
      expect(await names(tx)).toEqual(['a'])
      if (kind === 'sqlite') expect(await names(db)).toEqual([])
    })
    expect(await names(db)).toEqual(['a'])
  })

  it('hands out consecutive positions to transactions that run at once', async () => {
    const db = await open()
    const taken = await Promise.all(
      Array.from({ length: 60 }, (_, i) => transact(db, (tx) => takeBoth(tx, 1 + (i % 3), 1))),
    )
    const positions = taken.flatMap(({ pos }, i) => Array.from({ length: 1 + (i % 3) }, (_, k) => pos + k))
    expect(positions.sort((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1))
    expect(taken.map((one) => one.eventNid).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(await currentPosition(db)).toBe(120)
  })

  it('runs what follows a commit in order, before the writer goes on, and never after an undo', async () => {
    const db = await open()
    const seen: string[] = []
    await transact(db, async (tx) => {
      afterCommit(tx, () => seen.push('first'))
      await put(tx, 'a')
      afterCommit(tx, () => seen.push('second'))
      seen.push('body')
    })
    seen.push('writer')
    await expect(
      transact(db, async (tx) => {
        afterCommit(tx, () => seen.push('never'))
        await put(tx, 'a')
      }),
    ).rejects.toThrow()
    expect(seen).toEqual(['body', 'first', 'second', 'writer'])
  })

  it('refuses a write outside a transaction', async () => {
    const db = await open()
    await expect(put(db as Tx, 'a')).rejects.toThrow('A write needs a transaction')
    expect(await names(db)).toEqual([])
  })

  if (kind !== 'postgres') return

  it('run again after they waited for each other in a circle', async () => {
    const db = await open()
    await transact(db, async (tx) => {
      await put(tx, 'a')
      await put(tx, 'b')
    })
    const touch = 'update setting set value = value where name = ?'
    const both = Promise.withResolvers<void>()
    let begun = 0
    const touchBoth = (first: string, second: string) =>
      transact(db, async (tx) => {
        await rawRun(tx, touch, [first])
        if (++begun === 2) both.resolve()
        await both.promise
        rawSend(tx, touch, [second], { rows: 1, otherwise: () => new Error('It is gone') })
        rawSend(tx, 'insert into setting (name, value) values (?, ?)', [`after ${first}`, 'x'])
      })
    await Promise.all([touchBoth('a', 'b'), touchBoth('b', 'a')])
    expect(await names(db)).toEqual(['a', 'after a', 'after b', 'b'])
    expect(begun).toBeGreaterThan(2)
  })
})
