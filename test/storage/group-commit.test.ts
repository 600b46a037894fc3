import { describe, expect, it } from 'vitest'
import { type Db, type Tx, transact } from '../../src/storage/db.ts'
import { StorageAway } from '../../src/storage/failure.ts'
import { rawRows, rawRun } from '../../src/storage/run.ts'
import { openHooked } from '../support/hooked-database.ts'

const put = (tx: Tx, name: string) => rawRun(tx, 'insert into setting (name, value) values (?, ?)', [name, 'x'])

const names = async (db: Db) =>
  (await rawRows<{ name: string }>(db, 'select name from setting order by name')).map((row) => row.name)

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A disk whose syncs end when the test says so. */
class Disk {
  readonly syncs: PromiseWithResolvers<void>[] = []
  isManual = false

  readonly sync = (): Promise<void> => {
    if (!this.isManual) return Promise.resolve()
    const sync = Promise.withResolvers<void>()
    this.syncs.push(sync)
    return sync.promise
  }

  /** Turns of the loop until so many syncs have begun. */
  async began(count: number): Promise<void> {
    while (this.syncs.length < count) await turn()
  }
}

describe('group commit', () => {
  it('commits together what waits together', async () => {
    const groups: number[] = []
    const db = await openHooked({ onGroup: (size) => groups.push(size) })
    groups.length = 0
    await Promise.all(Array.from({ length: 200 }, (_, i) => transact(db, (tx) => put(tx, `n${i}`))))
    expect(groups.reduce((sum, size) => sum + size, 0)).toBe(200)
    expect(groups.length).toBeLessThan(50)
    expect(await names(db)).toHaveLength(200)
  })

  it('tells nobody of a commit, and shows it to no reader, before it is on the disk', async () => {
    const disk = new Disk()
    const db = await openHooked({ sync: disk.sync })
    disk.isManual = true
    let isAnswered = false
    const writing = transact(db, (tx) => put(tx, 'a')).then(() => {
      isAnswered = true
    })
    await disk.began(1)
    await turn()
    expect(isAnswered).toBe(false)
    expect(await names(db)).toEqual([])
    disk.syncs[0]?.resolve()
    await writing
    expect(await names(db)).toEqual(['a'])
  })

  it('gathers the next group while the disk is busy, and keeps it to itself', async () => {
    const disk = new Disk()
    const db = await openHooked({ sync: disk.sync })
    disk.isManual = true
    const first = transact(db, (tx) => put(tx, 'a'))
    await disk.began(1)
    const ran: string[] = []
    const others = ['b', 'c', 'd'].map((name) => transact(db, (tx) => put(tx, name).then(() => ran.push(name))))
    while (ran.length < 3) await turn()
    expect(disk.syncs).toHaveLength(1)
    disk.syncs[0]?.resolve()
    await first
    expect(await names(db)).toEqual(['a'])
    await disk.began(2)
    disk.syncs[1]?.resolve()
    await Promise.all(others)
    expect(disk.syncs).toHaveLength(2)
    expect(await names(db)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('undoes and refuses a body that waits for anything but a query, and goes on with the others', async () => {
    const db = await openHooked({})
    let late: Promise<unknown> = Promise.resolve()
    const results = await Promise.allSettled([
      transact(db, (tx) => put(tx, 'a')),
      transact(db, async (tx) => {
        await put(tx, 'b')
        await turn()
        late = put(tx, 'c')
        await late
      }),
      transact(db, (tx) => put(tx, 'd')),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await expect(late).rejects.toThrow('awaited something other than a query')
    expect(await names(db)).toEqual(['a', 'd'])
  })

  it('refuses a transaction inside a transaction instead of waiting for ever', async () => {
    const db = await openHooked({})
    const nested = transact(db, async (tx) => {
      await put(tx, 'a')
      await transact(db, (inner) => put(inner, 'b'))
    })
    await expect(nested).rejects.toThrow('awaited something other than a query')
    expect(await names(db)).toEqual(['b'])
  })

  it('lets a body go on after a statement that failed', async () => {
    const db = await openHooked({})
    await transact(db, async (tx) => {
      await put(tx, 'a')
      await expect(put(tx, 'a')).rejects.toThrow('UNIQUE')
      await put(tx, 'b')
    })
    expect(await names(db)).toEqual(['a', 'b'])
  })

  it('refuses statements of a transaction that has ended', async () => {
    const db = await openHooked({})
    let leaked: Tx | undefined
    await transact(db, async (tx) => {
      leaked = tx
    })
    await expect(put(leaked as Tx, 'a')).rejects.toThrow('has ended')
  })

  it('gives the loop its turn when bodies take long', async () => {
    const db = await openHooked({})
    let turns = 0
    let isDone = false
    const count = async () => {
      for (; !isDone; turns++) await turn()
    }
    const counting = count()
    const busy = (tx: Tx, name: string) => {
      for (const end = performance.now() + 4; performance.now() < end; );
      return put(tx, name)
    }
    await Promise.all(Array.from({ length: 10 }, (_, i) => transact(db, (tx) => busy(tx, `n${i}`))))
    isDone = true
    await counting
    expect(turns).toBeGreaterThan(3)
  })

  it('acknowledges nothing after a failed sync, and asks for a restart', async () => {
    const disk = new Disk()
    const fatal: unknown[] = []
    const db = await openHooked({ sync: disk.sync, onFatal: (error) => fatal.push(error) })
    disk.isManual = true
    const first = transact(db, (tx) => put(tx, 'a'))
    await disk.began(1)
    const second = transact(db, (tx) => put(tx, 'b'))
    await turn()
    disk.syncs[0]?.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
    const results = await Promise.allSettled([first, second, transact(db, (tx) => put(tx, 'c'))])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(transact(db, (tx) => put(tx, 'd'))).rejects.toBeInstanceOf(StorageAway)
    expect(fatal).toHaveLength(1)
    expect(await names(db)).toEqual([])
  })
})
