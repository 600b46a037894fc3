import { setTimeout as sleep } from 'node:timers/promises'
import type { Nation } from './nation.ts'

const POLL_MS = 10
/** Nothing takes this long that will ever be done. */
const PATIENCE_MS = 60_000
/** Polls without progress before the time of the next try comes. */
const STUCK = 10
/** Longer than the longest pause between two tries. */
const LONG_MS = 75 * 60_000

/** Lets things travel for a moment, as far as links allow: until nothing changes any more. */
export async function calm(nation: Nation): Promise<void> {
  let last = ''
  for (let polls = 0; polls < 2 * STUCK; polls++) {
    const now = JSON.stringify(waiting(nation))
    if (now === last) return
    last = now
    await sleep(POLL_MS)
  }
}

/** Mends every link, repeats what had no answer, and waits until no server has anything left to do. */
export async function heal(nation: Nation): Promise<void> {
  const { sites, world } = nation
  for (const from of sites) for (const to of sites) world.network.mend(to.address, from.address)
  await nation.repeat()
  await quiet(nation)
}

/** Waits until no queue holds anything. */
export async function quiet(nation: Nation): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  let last = ''
  let polls = 0
  for (let empty = 0; empty < 2; ) {
    const found = waiting(nation)
    empty = found.every(({ toSend, held }) => toSend + held === 0) ? empty + 1 : 0
    if (performance.now() > end) throw new Error(`What waits is never done: ${JSON.stringify(found)}`)
    const now = JSON.stringify(found)
    polls = now === last ? polls + 1 : 0
    last = now
    if (polls > 0 && polls % STUCK === 0) nation.advance(LONG_MS)
    await sleep(POLL_MS)
  }
}

const waiting = ({ sites }: Nation) => sites.map(({ name, records }) => ({ name, ...records.waiting() }))
