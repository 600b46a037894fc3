import { expect, it } from 'vitest'
import type { Pdu } from '../../../src/room/event.ts'
import { EventFilter, filterable } from '../../../src/services/sync/event-filter.ts'

const look = (content: object, type = 'm.room.message') =>
  filterable({ visible: { type, sender: '@a:b', content } as unknown as Pdu })

it('reads what it needs of an event, however odd that is', () => {
  expect(look({ url: 'mxc://a/b', 'm.relates_to': { rel_type: 'm.thread' } })).toMatchObject({
    hasUrl: true,
    relType: 'm.thread',
  })
  expect(look({ url: 1, 'm.relates_to': 'odd' })).toMatchObject({ hasUrl: false, relType: undefined })
})

it('lets a star stand for any characters, at any place', () => {
  const admits = (pattern: string, type: string) => new EventFilter({ types: [pattern] }).admits({ type })
  expect(admits('m.room.*', 'm.room.name')).toBe(true)
  expect(admits('*.name', 'm.room.name')).toBe(true)
  expect(admits('m.*.name', 'm.room.name')).toBe(true)
  expect(admits('*', '')).toBe(true)
  expect(admits('ab*ba', 'aba')).toBe(false)
  expect(admits('m.room.n?me', 'm.room.name')).toBe(false)
})

it('tells events by their relation, by its stable name or the older one', () => {
  const threads = new EventFilter({ rel_types: ['m.thread'] })
  const older = new EventFilter({ 'org.matrix.msc3874.not_rel_types': ['m.thread'] })
  const [reply, plain] = [look({ 'm.relates_to': { rel_type: 'm.thread' } }), look({})]
  expect([threads.admits(reply), threads.admits(plain)]).toEqual([true, false])
  expect([older.admits(reply), older.admits(plain)]).toEqual([false, true])
})
