import { expect, it } from 'vitest'
import { pages } from '../../src/util/pages.ts'

/** Reads this many numbers in pages of three, and notes behind which number each was asked for. */
async function readAll(count: number) {
  const asked: (number | undefined)[] = []
  const read = async (last: number | undefined) => {
    asked.push(last)
    const first = last === undefined ? 0 : last + 1
    return Array.from({ length: Math.min(3, count - first) }, (_, index) => first + index)
  }
  const found: number[] = []
  for await (const page of pages(3, read)) found.push(...page)
  return { asked, found }
}

it('reads a list to its end, each page behind the last row of the one before', async () => {
  expect(await readAll(7)).toEqual({ asked: [undefined, 2, 5], found: [0, 1, 2, 3, 4, 5, 6] })
  expect(await readAll(6)).toEqual({ asked: [undefined, 2, 5], found: [0, 1, 2, 3, 4, 5] })
  expect(await readAll(0)).toEqual({ asked: [undefined], found: [] })
})
