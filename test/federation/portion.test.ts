import { describe, expect, it } from 'vitest'
import { Portion } from '../../src/federation/sending/portion.ts'

/** Sends `count` full transactions to a server that takes `limit` parts at most; returns how many it refused. */
function send(portion: Portion, count: number, limit: number): number {
  let refused = 0
  for (let i = 0; i < count; i++) {
    const parts = portion.maxParts
    if (parts <= limit) portion.onAccepted(parts)
    else {
      refused++
      expect(portion.onRefused(parts)).toBe('split')
    }
  }
  return refused
}

describe('the size of transactions', () => {
  it.each([1, 2, 3, 10, 75, 99, 149])('a server that never takes more than %i parts refuses few', (limit) => {
    const portion = new Portion()
    send(portion, 20, limit)
    expect(portion.maxParts).toBeGreaterThanOrEqual(Math.floor(limit * 0.9))
    expect(send(portion, 1_000, limit)).toBeLessThanOrEqual(50)
  })

  it('grows again once a server takes more', () => {
    const portion = new Portion()
    send(portion, 100, 2)
    expect(send(portion, 1_000, 150)).toBe(0)
    expect(portion.maxParts).toBe(150)
  })

  it('is at once what it was after the one part that a server refuses is gone', () => {
    const portion = new Portion()
    while (portion.maxParts > 1) portion.onRefused(portion.maxParts)
    expect(portion.onRefused(1)).toBe('drop')
    expect(send(portion, 8, 150)).toBe(0)
    expect(portion.maxParts).toBe(150)
  })

  it('does not grow by transactions that are not full', () => {
    const portion = new Portion()
    send(portion, 20, 10)
    const before = portion.maxParts
    for (let i = 0; i < 100; i++) portion.onAccepted(1)
    expect(portion.maxParts).toBe(before)
  })
})
