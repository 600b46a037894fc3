import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Heap } from '../../src/util/heap.ts'

const ascending = (one: number, other: number) => one - other

it('gives its items in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (items) => {
      const heap = new Heap<number>(ascending)
      for (const item of items) heap.push(item)
      expect(heap.size).toBe(items.length)
      const taken = items.map(() => heap.pop())
      expect(taken).toEqual(items.toSorted(ascending))
      expect(heap.pop()).toBeUndefined()
    }),
  )
})

it('shows the smallest item without taking it', () => {
  const heap = new Heap<number>(ascending)
  expect(heap.peek()).toBeUndefined()
  for (const item of [3, 1, 2]) heap.push(item)
  expect(heap.peek()).toBe(1)
  expect(heap.size).toBe(3)
  expect(heap.some((item) => item === 2)).toBe(true)
  expect(heap.some((item) => item === 4)).toBe(false)
})
