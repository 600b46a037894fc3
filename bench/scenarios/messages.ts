import { saturate } from '../load/paced.ts'
import { latencies, median, ms, rates } from '../load/statistics.ts'
import type { Scenario } from '../scenario.ts'

const ROOMS = 100
const BAR_PER_SECOND = 3_000
const BAR_CPU_MS = 0.33
const BAR_LATENCY_MS = 1

/** 100 senders in 100 rooms, each sending the next message when the one before is acknowledged. */
export const messages: Scenario = {
  name: 'messages',
  async run(world) {
    const senders = await world.users(ROOMS)
    const rooms: string[] = []
    for (const sender of senders) rooms.push(await sender.createRoom())
    let sent = 0
    const cpuBefore = world.cpuMs()
    const perSecond = await saturate(ROOMS, world.seconds, async (worker) => {
      await senders[worker]?.send(rooms[worker] ?? '', `회의 자료 ${sent++}번을 올렸습니다. 확인 부탁드립니다.`)
    })
    const cpuAfter = world.cpuMs()
    const cpu = cpuBefore === undefined || cpuAfter === undefined ? undefined : (cpuAfter - cpuBefore) / sent
    return [
      {
        what: `messages accepted, ${ROOMS} senders in ${ROOMS} rooms`,
        figure: rates(perSecond),
        bar: `${BAR_PER_SECOND}/s`,
        holds: median(perSecond) >= BAR_PER_SECOND,
      },
      ...(cpu === undefined
        ? []
        : [{ what: 'CPU per message accepted', figure: ms(cpu), bar: ms(BAR_CPU_MS), holds: cpu <= BAR_CPU_MS }]),
    ]
  },
}

/** One sender in one room, one message after the other. */
export const oneSender: Scenario = {
  name: 'one-sender',
  async run(world) {
    const [sender] = await world.users(1)
    if (!sender) throw new Error('No user')
    const room = await sender.createRoom()
    const samples: number[] = []
    await saturate(1, world.seconds, async () => {
      const started = performance.now()
      await sender.send(room, '한 줄 메시지')
      samples.push(performance.now() - started)
    })
    return [
      {
        what: 'one sender, one message after the other',
        figure: latencies(samples),
        bar: `p50 ${ms(BAR_LATENCY_MS)}`,
        holds: median(samples) <= BAR_LATENCY_MS,
      },
    ]
  },
}
