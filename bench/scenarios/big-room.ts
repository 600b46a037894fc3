import { setTimeout as sleep } from 'node:timers/promises'
import { latencies, median, ms } from '../load/statistics.ts'
import { Syncer } from '../load/user.ts'
import type { Scenario } from '../scenario.ts'

/** One message into a room whose members all sync, until the last of them has it. */
const bigRoomScenario = (members: number, barMs: number): Scenario => ({
  name: `big-room-${members}`,
  async run(world) {
    const users = await world.users(members)
    const [owner] = users
    if (!owner) throw new Error('No user')
    const roomId = await owner.createRoom()
    for (const user of users.slice(1)) await user.join(roomId)
    let mark = ''
    let missing = 0
    let complete = () => {}
    const syncers = users.map((user) => {
      let last = ''
      return new Syncer(user, (text) => {
        if (mark === '' || last === mark || !text.includes(mark)) return
        last = mark
        if (--missing === 0) complete()
      })
    })
    for (const syncer of syncers) await syncer.start()
    const samples: number[] = []
    const rounds = Math.max(5, Math.floor(world.seconds / 2))
    for (let round = 0; round < rounds; round++) {
      const everyone = new Promise<void>((resolve) => {
        complete = resolve
      })
      missing = members
      mark = `round-${round}-of-${members}`
      const started = performance.now()
      await owner.send(roomId, mark)
      await everyone
      samples.push(performance.now() - started)
      await sleep(200)
    }
    for (const syncer of syncers) syncer.stop()
    return [
      {
        what: `message into a room of ${members} syncing members, until the last has it`,
        figure: latencies(samples),
        bar: ms(barMs),
        holds: median(samples) <= barMs,
      },
    ]
  },
})

export const bigRoom300 = bigRoomScenario(300, 100)
export const bigRoom1000 = bigRoomScenario(1000, 300)
