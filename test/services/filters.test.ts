import { expect, it } from 'vitest'
import { Filters } from '../../src/services/filters.ts'
import { withDatabases } from '../support/databases.ts'

const USER = 1

withDatabases('filters', (open) => {
  it('are kept ready to use, large ones only so many', async () => {
    const filters = new Filters(await open())
    const large = (name: string) => ({
      event_fields: Array.from({ length: 600 }, (_, i) => `${name}${i}${'.x'.repeat(45)}`),
    })
    const [small, first] = [
      await filters.define(USER, { event_fields: ['a'] }),
      await filters.define(USER, large('first')),
    ]
    const ready = [await filters.resolve(USER, small), await filters.resolve(USER, first)]
    expect([await filters.resolve(USER, small), await filters.resolve(USER, first)]).toEqual(ready)
    for (let i = 0; i < 150; i++) {
      await filters.resolve(USER, await filters.define(USER, large(`f${i}.`)))
      expect(await filters.resolve(USER, small)).toBe(ready[0])
    }
    expect(await filters.resolve(USER, first)).not.toBe(ready[1])
  })
})
