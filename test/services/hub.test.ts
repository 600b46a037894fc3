import { expect, it } from 'vitest'
import { Hub } from '../../src/services/hub.ts'

const ALICE = '@alice:a.example'
const BOB = '@bob:a.example'
const LONG_MS = 10_000

it('wakes whom a notice concerns, and nobody else', async () => {
  const hub = new Hub()
  const { signal } = new AbortController()
  const alice = hub.wait(ALICE, LONG_MS, signal)
  void hub.wait(BOB, LONG_MS, signal)
  hub.publish([ALICE], 1)
  await alice
  expect([hub.waitingOf(ALICE), hub.waitingOf(BOB)]).toEqual([0, 1])
})
