import { expect, it } from 'vitest'
import { backoffMs } from '../../src/util/backoff.ts'

it('doubles from the first pause up to the longest, however often something fails', () => {
  expect([1, 2, 3, 4, 5, 10_000].map((failures) => backoffMs(failures, 1_000, 10_000))).toEqual([
    1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ])
})
