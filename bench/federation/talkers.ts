import { LOOP_BAR_MS, loopDelay, loopText } from '../load/event-loop.ts'
import { paced } from '../load/paced.ts'
import { latencies, ms } from '../load/statistics.ts'
import { timed } from '../load/timed.ts'
import type { User } from '../load/user.ts'
import type { Figure } from '../scenario.ts'
import type { Homeserver } from './site.ts'

/** How long they talk, and how much. */
const SECONDS = 10
const PER_SECOND = 20

/** A user in a room of their own, who shows whether a server still answers others. */
export interface Talker {
  readonly server: Homeserver
  readonly what: string
  readonly user: User
  readonly own: string
  readonly samples: number[]
}

/** A user of each server. */
export async function talkers(here: Homeserver, there: Homeserver): Promise<Talker[]> {
  const talker = async (server: Homeserver, what: string) => {
    const user = await server.register()
    return { server, what, user, own: await user.createRoom(), samples: [] }
  }
  return [await talker(here, 'that gives'), await talker(there, 'that takes')]
}

/** Lets them talk for 10 seconds. */
export async function talkOn(talkers: readonly Talker[]): Promise<void> {
  for (const { server } of talkers) await loopDelay(server.http)
  await Promise.all(
    talkers.map(({ user, own, samples }) =>
      paced(PER_SECOND, SECONDS, () => timed(samples, () => user.send(own, '회의 중입니다'))),
    ),
  )
}

/** How they fared, and the event loops. */
export async function meanwhile(others: readonly Talker[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { server, what, samples } of others) {
    const loop = await loopDelay(server.http)
    figures.push({
      what: `meanwhile, on the server ${what}: a message`,
      figure: `${latencies(samples)}; ${loopText(loop)}`,
      bar: `loop ${ms(LOOP_BAR_MS)}`,
      holds: loop.p99 <= LOOP_BAR_MS,
    })
  }
  return figures
}
