import { expect, it } from 'vitest'
import { Reach, type Try } from '../../src/federation/reach.ts'
import { FakeClock } from '../support/clock.ts'

const SECOND = 1_000

function begun(reach: Reach): Try {
  const attempt = reach.begin('away.test')
  if (typeof attempt === 'string') throw new Error(attempt)
  return attempt
}

it('leaves a server alone for ten times what it cost to find out that it does not answer', () => {
  const clock = new FakeClock()
  const reach = new Reach(clock)
  const attempt = begun(reach)
  clock.advance(30 * SECOND)
  attempt.failed('timed out')
  expect(reach.begin('away.test')).toBe('timed out')
  expect(reach.begin('other.test')).not.toBe('timed out')
  clock.advance(299 * SECOND)
  expect(reach.begin('away.test')).toBe('timed out')
  clock.advance(SECOND)
  begun(reach)
})

it('tries one that refuses at once whenever somebody asks', () => {
  const reach = new Reach(new FakeClock())
  begun(reach).failed('refused')
  begun(reach).failed('refused')
})

it('has one ask alone whether the server is back', () => {
  const clock = new FakeClock()
  const reach = new Reach(clock)
  const first = begun(reach)
  clock.advance(SECOND)
  first.failed('timed out')
  clock.advance(10 * SECOND)
  const probe = begun(reach)
  expect(reach.begin('away.test')).toBe('timed out')
  clock.advance(SECOND)
  probe.abandoned()
  const again = begun(reach)
  reach.onHeard('away.test')
  again.failed('one of many')
  begun(reach)
})

it('counts nothing against a server that answered others meanwhile', () => {
  const clock = new FakeClock()
  const reach = new Reach(clock)
  const attempt = begun(reach)
  clock.advance(SECOND)
  reach.onHeard('away.test')
  clock.advance(SECOND)
  attempt.failed('timed out')
  begun(reach)
})
