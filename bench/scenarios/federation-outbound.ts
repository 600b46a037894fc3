import { setTimeout as sleep } from 'node:timers/promises'
import { Peers } from '../federation/peers.ts'
import { type Homeserver, onSite, type Site } from '../federation/site.ts'
import { LOOP_BAR_MS, loopDelay, loopText } from '../load/event-loop.ts'
import { latencies, median, ms } from '../load/statistics.ts'
import { timed } from '../load/timed.ts'
import type { User } from '../load/user.ts'
import type { Figure, Scenario } from '../scenario.ts'
import { measureDelivery } from './delivery.ts'

const DESTINATIONS = 200

/** One message to 200 servers, until the last of them has it. */
export const federationFanOut: Scenario = {
  name: 'federation-fan-out',
  run: ({ seconds }) =>
    onSite(async (site): Promise<Figure[]> => {
      const server = await site.start()
      const user = await server.register()
      const roomId = await user.createRoom()
      const peers = await joinAll(site, DESTINATIONS, server, roomId)
      let [mark, missing] = ['', 0]
      let complete = () => {}
      peers.onTransaction = (_name, text) => {
        if (text.includes(mark) && --missing === 0) complete()
      }
      const samples: number[] = []
      const cpu = server.cpuMs()
      const rounds = Math.max(5, Math.floor(seconds / 2))
      await loopDelay(server.http)
      for (let round = 0; round <= rounds; round++) {
        mark = `round-${round}-to-all`
        missing = DESTINATIONS
        const everyone = new Promise<void>((resolve) => {
          complete = resolve
        })
        await timed(samples, async () => {
          await user.send(roomId, mark)
          await everyone
        })
        await sleep(200)
      }
      const used = (server.cpuMs() - cpu) / (rounds + 1)
      const loop = await loopDelay(server.http)
      await peers.close()
      return [
        {
          what: `one message to ${DESTINATIONS} servers, until the last has it`,
          figure: `${latencies(samples.slice(1))}, the first ${ms(samples[0] ?? 0)}; ${ms(used)} of CPU a message; ${loopText(loop)}`,
          bar: `loop ${ms(LOOP_BAR_MS)}`,
          holds: loop.p99 <= LOOP_BAR_MS,
        },
      ]
    }),
}

/** A message sent on one server until a user of another has it. */
export const federationDelivery: Scenario = {
  name: 'federation-delivery',
  run: ({ seconds }) =>
    onSite(async (site): Promise<Figure[]> => {
      const [here, there] = [await site.start(), await site.start()]
      const [alice, bob] = [await here.register(), await there.register()]
      const roomId = await alice.createRoom()
      await bob.join(roomId, here.name)
      const rooms = [{ roomId, members: [bob], senders: [alice] }]
      const samples = await measureDelivery({ rooms }, 20, seconds)
      return [
        {
          what: 'send on one server to delivery in /sync on another, 20 messages/s',
          figure: latencies(samples),
          bar: 'p50 15 ms',
          holds: median(samples) <= 15 && samples.length >= 20 * seconds * 0.98,
        },
      ]
    }),
}

/** Messages into a room with a server that is gone, beside messages into one without. */
export const federationDead: Scenario = {
  name: 'federation-dead',
  run: ({ seconds }) =>
    onSite(async (site): Promise<Figure[]> => {
      const server = await site.start()
      const user = await server.register()
      const [alone, shared] = [await user.createRoom(), await user.createRoom()]
      await (await joinAll(site, 1, server, shared)).close()
      const [without, among] = [[] as number[], [] as number[]]
      // In turns, so that what else the machine does falls on both.
      const end = performance.now() + seconds * 1000
      const cpu = { without: 0, among: 0 }
      while (performance.now() < end) {
        cpu.without += await cpuOf(server, () => sendSome(user, alone, without))
        cpu.among += await cpuOf(server, () => sendSome(user, shared, among))
      }
      const each = (total: number, samples: readonly number[]) => ms(total / samples.length)
      return [
        {
          what: 'one sender, in a room with a server that is gone',
          figure: `${latencies(among)}, ${each(cpu.among, among)} of CPU; without it ${latencies(without)}, ${each(cpu.without, without)}`,
          bar: 'the same p50',
          holds: median(among) <= median(without) * 1.1,
        },
      ]
    }),
}

async function joinAll(site: Site, count: number, server: Homeserver, roomId: string): Promise<Peers> {
  const peers = await Peers.start(site, count)
  for (const name of peers.names) await peers.join(name, server, roomId)
  return peers
}

async function sendSome(user: User, roomId: string, samples: number[]): Promise<void> {
  for (let i = 0; i < 200; i++) await timed(samples, () => user.send(roomId, '안녕하세요'))
}

async function cpuOf(server: Homeserver, work: () => Promise<void>): Promise<number> {
  const before = server.cpuMs()
  await work()
  return server.cpuMs() - before
}
