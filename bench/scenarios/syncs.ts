import { saturate } from '../load/paced.ts'
import { latencies, median, ms, percentile } from '../load/statistics.ts'
import { nextBatch, type User } from '../load/user.ts'
import type { Scenario, World } from '../scenario.ts'
import { makeGroups, measureDelivery } from './delivery.ts'

const MEMBERS = 5
const MESSAGES = 10
const MAKERS = 8

/** A user in `rooms` rooms of five members with ten messages each. */
export async function busyUser(world: World, rooms: number): Promise<User> {
  const [user, ...others] = await world.users(MEMBERS)
  if (!user) throw new Error('No user')
  let left = rooms
  const makeRooms = async () => {
    while (left-- > 0) {
      const roomId = await user.createRoom()
      for (const other of others) await other.join(roomId)
      for (let i = 0; i < MESSAGES; i++) await (others[i % others.length] ?? user).send(roomId, `${i}번째 메시지`)
    }
  }
  await Promise.all(Array.from({ length: MAKERS }, makeRooms))
  return user
}

const firstSyncScenario = (rooms: number, barMs: number): Scenario => ({
  name: `first-sync-${rooms}`,
  async run(world) {
    const user = await busyUser(world, rooms)
    const samples: number[] = []
    let bytes = 0
    await saturate(1, Math.min(world.seconds, 20), async () => {
      const started = performance.now()
      bytes = await user.firstSync()
      samples.push(performance.now() - started)
    })
    return [
      {
        what: `first /sync of a user in ${rooms} rooms of ${MEMBERS}, ${MESSAGES} messages each (${bytes} bytes)`,
        figure: latencies(samples),
        bar: ms(barMs),
        holds: median(samples) <= barMs,
      },
    ]
  },
})

export const firstSync200 = firstSyncScenario(200, 150)
export const firstSync500 = firstSyncScenario(500, 400)

const EMPTY_BAR_MS = 0.5

/** Incremental syncs that have nothing to say. */
export const emptySync: Scenario = {
  name: 'empty-sync',
  async run(world) {
    const user = await busyUser(world, 20)
    const since = nextBatch(await user.sync())
    const samples: number[] = []
    await saturate(1, Math.min(world.seconds, 20), async () => {
      const started = performance.now()
      await user.sync(since)
      samples.push(performance.now() - started)
    })
    return [
      {
        what: 'empty incremental /sync',
        figure: latencies(samples),
        bar: `p50 ${ms(EMPTY_BAR_MS)}`,
        holds: median(samples) <= EMPTY_BAR_MS,
      },
    ]
  },
}

const DISTURBED_BAR_MS = 50

/** Others' deliveries while somebody in 500 rooms makes first syncs again and again. */
export const disturbedDelivery: Scenario = {
  name: 'disturbed-delivery',
  async run(world) {
    const groups = await makeGroups(world, 200, 20)
    const user = await busyUser(world, 500)
    let isOver = false
    let syncs = 0
    const disturb = async () => {
      while (!isOver) {
        await user.firstSync()
        syncs++
      }
    }
    const disturbing = disturb()
    const samples = await measureDelivery(groups, 50, world.seconds)
    isOver = true
    await disturbing
    return [
      {
        what: `delivery to 200 clients while a user in 500 rooms makes first syncs (${syncs} of them)`,
        figure: latencies(samples),
        bar: `p99 ${ms(DISTURBED_BAR_MS)}`,
        holds: percentile(samples, 0.99) <= DISTURBED_BAR_MS,
      },
    ]
  },
}
