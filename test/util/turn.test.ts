import { expect, it } from 'vitest'
import { filterInTurns, Turn } from '../../src/util/turn.ts'

const hold = (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

const nextRound = () => new Promise<void>((resolve) => setImmediate(resolve))

it('is over after a millisecond, counted from the first look in a round of the loop', async () => {
  await nextRound()
  await nextRound()
  const turn = new Turn()
  expect(turn.isOver).toBe(false)
  hold(2)
  expect(turn.isOver).toBe(true)
  await turn.give()
  expect(turn.isOver).toBe(false)
})

it('is shared by all that is under way: many loops hold the event loop no longer than one', async () => {
  let [steps, most, isDone] = [0, 0, false]
  const work = async () => {
    const turn = new Turn()
    for (let step = 0; step < 10; step++) {
      hold(0.2)
      steps++
      if (turn.isOver) await turn.give()
    }
  }
  const countRounds = async () => {
    while (!isDone) {
      steps = 0
      await nextRound()
      most = Math.max(most, steps)
    }
  }
  const counting = countRounds()
  await Promise.all(Array.from({ length: 10 }, work))
  isDone = true
  await counting
  // The first takes the slice of the first round, the others a step each; with slices of their own it would be 50 steps.
  expect(most).toBeLessThanOrEqual(16)
})

it('is given back while a long list is filtered', async () => {
  let rounds = 0
  let isDone = false
  const countRounds = async () => {
    for (; !isDone; rounds++) await nextRound()
  }
  const counting = countRounds()
  const items = Array.from({ length: 20 }, (_, i) => i)
  const even = await filterInTurns(items, (item) => {
    hold(0.5)
    return item % 2 === 0
  })
  isDone = true
  await counting
  expect(even).toEqual(items.filter((item) => item % 2 === 0))
  expect(rounds).toBeGreaterThan(4)
})
