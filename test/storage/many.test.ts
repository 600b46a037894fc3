import { expect, it } from 'vitest'
import { transact } from '../../src/storage/db.ts'
import { rowsIn, runIn } from '../../src/storage/many.ts'
import { internNames } from '../../src/storage/names.ts'
import { withDatabases } from '../support/databases.ts'
import { statementsOf } from '../support/statements.ts'

withDatabases('statements over many values', (open) => {
  it('read more rows than a call can have arguments', async () => {
    const db = await open()
    const texts = Array.from({ length: 450 }, (_, i) => `name${i}`)
    const names = await transact(db, (tx) => internNames(tx, texts))
    const rows = await rowsIn(db, 'select a.nid from name a cross join name b where a.nid in', [...names.values()])
    expect(rows).toHaveLength(450 * 450)
  })

  it('concern each value once, however many there are, and are few', async () => {
    const db = await open()
    const texts = Array.from({ length: 600 }, (_, i) => `name${i}`)
    const nids = [...(await transact(db, (tx) => internNames(tx, texts))).values()]
    const statements = await statementsOf(db, async () => {
      for (let count = 1; count <= nids.length; count += 7) {
        const rows = await rowsIn<{ nid: number }>(db, 'select nid from name where nid in', nids.slice(0, count))
        expect(rows.map(({ nid }) => nid).sort((a, b) => a - b)).toEqual(nids.slice(0, count))
      }
    })
    expect(new Set(statements.map(({ sql }) => sql)).size).toBeLessThan(20)
    const deleted = await transact(db, (tx) => runIn(tx, 'delete from name where nid in', nids.slice(0, 599)))
    expect(deleted).toBe(599)
    expect(await rowsIn(db, 'select nid from name where nid in', nids)).toHaveLength(1)
  })
})
