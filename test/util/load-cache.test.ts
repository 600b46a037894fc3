import { expect, it } from 'vitest'
import { LoadCache } from '../../src/util/load-cache.ts'

/** Loads that end when they are told to, in the order in which they began. */
function slowLoads() {
  const loads: PromiseWithResolvers<string>[] = []
  const cache = new LoadCache<number, string>(10, () => {
    const load = Promise.withResolvers<string>()
    loads.push(load)
    return load.promise
  })
  return { loads, cache }
}

it('loads once for all who ask, and keeps it until it changes', async () => {
  const { loads, cache } = slowLoads()
  const both = Promise.all([cache.get(1), cache.get(1)])
  loads[0]?.resolve('old')
  expect(await both).toEqual(['old', 'old'])
  // At once: it needs no promise of its own.
  expect(cache.get(1)).toBe('old')
  cache.forget(1)
  const after = cache.get(1)
  loads[1]?.resolve('new')
  expect(await after).toBe('new')
})

it('does not keep what changed while it was loaded', async () => {
  const { loads, cache } = slowLoads()
  const before = cache.get(1)
  cache.forget(1)
  const after = cache.get(1)
  loads[1]?.resolve('new')
  loads[0]?.resolve('old')
  expect([await before, await after, await cache.get(1)]).toEqual(['old', 'new', 'new'])
})

it('keeps fewer of what weighs more', async () => {
  const asked: number[] = []
  const load = async (size: number) => {
    asked.push(size)
    return 'x'.repeat(size)
  }
  const cache = new LoadCache<number, string>(10, load, (value) => value.length)
  for (const size of [1, 2, 3, 9, 1, 9]) await cache.get(size)
  expect(asked).toEqual([1, 2, 3, 9, 1])
})

it('does not keep a load that failed', async () => {
  const { loads, cache } = slowLoads()
  const failed = cache.get(1)
  loads[0]?.reject(new Error('The database is away'))
  await expect(failed).rejects.toThrow('away')
  const again = cache.get(1)
  loads[1]?.resolve('there')
  expect(await again).toBe('there')
})

it('takes what a value has become, and keeps no load that may be from before', async () => {
  const { loads, cache } = slowLoads()
  cache.update(1, (value) => `${value}, twice`)
  const loading = cache.get(1)
  cache.update(1, (value) => `${value}, twice`)
  loads[0]?.resolve('old')
  expect(await loading).toBe('old')
  const again = cache.get(1)
  loads[1]?.resolve('new')
  await again
  cache.update(1, (value) => `${value}, changed`)
  expect(cache.get(1)).toBe('new, changed')
})

it('weighs what a value has become', async () => {
  const asked: number[] = []
  const load = async (key: number) => {
    asked.push(key)
    return 'x'
  }
  const cache = new LoadCache<number, string>(10, load, (value) => value.length)
  for (const key of [1, 2]) await cache.get(key)
  cache.update(2, () => 'x'.repeat(10))
  await cache.get(1)
  expect(asked).toEqual([1, 2, 1])
})
