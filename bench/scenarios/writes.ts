import { saturate } from '../load/paced.ts'
import { median, rates } from '../load/statistics.ts'
import { User } from '../load/user.ts'
import type { Scenario } from '../scenario.ts'

const AT_ONCE = 8

export const rooms: Scenario = {
  name: 'rooms',
  async run(world) {
    const users = await world.users(AT_ONCE)
    const perSecond = await saturate(AT_ONCE, Math.min(world.seconds, 20), async (worker) => {
      await users[worker]?.createRoom({ name: '기획재정부 회의실' })
    })
    return [
      {
        what: `rooms created, ${AT_ONCE} at a time`,
        figure: rates(perSecond),
        bar: '300/s',
        holds: median(perSecond) >= 300,
      },
    ]
  },
}

const MAX_MEMBERS = 300

/** Joins into public rooms that fill up to 300 members. */
export const joins: Scenario = {
  name: 'joins',
  async run(world) {
    const users = await world.users(MAX_MEMBERS)
    const [owner] = users
    if (!owner) throw new Error('No user')
    const samples: number[] = []
    const started = performance.now()
    const seconds = Math.min(world.seconds, 20)
    while (performance.now() - started < seconds * 1000) {
      const roomId = await owner.createRoom()
      const before = performance.now()
      const waiting = users.slice(1)
      const join = async () => {
        for (let user = waiting.pop(); user; user = waiting.pop()) await user.join(roomId)
      }
      await Promise.all(Array.from({ length: AT_ONCE }, join))
      samples.push(((users.length - 1) / (performance.now() - before)) * 1000)
    }
    return [
      {
        what: `joins into a local public room, up to ${MAX_MEMBERS} members, ${AT_ONCE} at a time`,
        figure: rates(samples),
        bar: '500/s',
        holds: median(samples) >= 500,
      },
    ]
  },
}

/** Registrations cost what the password hash costs at its default. */
export const registrations: Scenario = {
  name: 'registrations',
  async run(world) {
    const perSecond = await saturate(AT_ONCE, Math.min(world.seconds, 10), async () => {
      await User.register(world.http)
    })
    return [{ what: `registrations, ${AT_ONCE} at a time`, figure: rates(perSecond), bar: 'bound by the hash' }]
  },
}
