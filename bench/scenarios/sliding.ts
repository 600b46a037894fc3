import { saturate } from '../load/paced.ts'
import { SlidingPoller } from '../load/sliding.ts'
import { latencies, median, ms } from '../load/statistics.ts'
import type { Scenario } from '../scenario.ts'
import { busyUser } from './syncs.ts'

const ROOMS = 2_000
const FIRST_BAR_MS = 100
const INCREMENTAL_BAR_MS = 5

/** A user in 2,000 rooms: the first window of 20, and then one message after the other. */
export const slidingSync: Scenario = {
  name: 'sliding-sync',
  async run(world) {
    const user = await busyUser(world, ROOMS)
    const poller = new SlidingPoller(user)
    const started = performance.now()
    await poller.ask(19)
    const cold = performance.now() - started
    const first: number[] = []
    let bytes = 0
    await saturate(1, Math.min(world.seconds, 10), async () => {
      poller.restart()
      const from = performance.now()
      bytes = (await poller.ask(19)).length
      first.push(performance.now() - from)
    })
    for (let last = 119; last < ROOMS; last += 100) await poller.ask(last)
    const roomId = await user.createRoom()
    await poller.ask(ROOMS)
    const incremental: number[] = []
    await saturate(1, Math.min(world.seconds, 10), async () => {
      await user.send(roomId, '안녕하세요')
      const from = performance.now()
      await poller.ask(ROOMS)
      incremental.push(performance.now() - from)
    })
    return [
      {
        what: `first window of 20 rooms of a user in ${ROOMS} (${bytes} characters; the very first ${ms(cold)})`,
        figure: latencies(first),
        bar: ms(FIRST_BAR_MS),
        holds: median(first) <= FIRST_BAR_MS && cold <= FIRST_BAR_MS,
      },
      {
        what: `one message to a client that follows all ${ROOMS} rooms by sliding sync`,
        figure: latencies(incremental),
        bar: ms(INCREMENTAL_BAR_MS),
        holds: median(incremental) <= INCREMENTAL_BAR_MS,
      },
    ]
  },
}
