import { expect, it } from 'vitest'
import { transact } from '../../src/storage/db.ts'
import { rowsIn } from '../../src/storage/many.ts'
import { internNames } from '../../src/storage/names.ts'
import { withDatabases } from '../support/databases.ts'

withDatabases('statements over many values', (open) => {
  it('read more rows than a call can have arguments', async () => {
    const db = await open()
    const texts = Array.from({ length: 450 }, (_, i) => `name${i}`)
    const names = await transact(db, (tx) => internNames(tx, texts))
    const rows = await rowsIn(db, 'select a.nid from name a cross join name b where a.nid in', [...names.values()])
    expect(rows).toHaveLength(450 * 450)
  })
})
