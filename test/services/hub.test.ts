import { expect, it } from 'vitest'
import { Hub } from '../../src/services/hub.ts'

const ALICE = '@alice:a.example'
const BOB = '@bob:a.example'
const LONG_MS = 10_000

/** Who has woken, in order. */
function waiters(hub: Hub) {
  const woken: string[] = []
  const { signal } = new AbortController()
  const wait = (userId: typeof ALICE | typeof BOB) =>
    hub.wait(userId, LONG_MS, signal).then(() => {
      woken.push(userId)
    })
  return { woken, wait }
}

it('wakes whom it concerns, and nobody else', async () => {
  const hub = new Hub()
  const { woken, wait } = waiters(hub)
  const alice = wait(ALICE)
  void wait(BOB)
  hub.publish([ALICE], 1)
  await alice
  expect(woken).toEqual([ALICE])
})

it('tells listeners at once of what others wake for a little later, or with what follows', async () => {
  const hub = new Hub()
  const { woken, wait } = waiters(hub)
  const notices: number[] = []
  hub.onNotice((_users, pos) => notices.push(pos))
  const both = [wait(ALICE), wait(BOB)]
  hub.publishAhead([ALICE, BOB], 1)
  expect(notices).toEqual([1])
  hub.publish([BOB], 2)
  await Promise.all(both)
  expect(woken).toEqual([BOB, ALICE])
})
