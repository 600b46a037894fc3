import { setTimeout as sleep } from 'node:timers/promises'
import { paced } from '../load/paced.ts'
import { latencies, median, ms, percentile } from '../load/statistics.ts'
import { Syncer, type User } from '../load/user.ts'
import type { Figure, Scenario, World } from '../scenario.ts'

/** Rooms with their members. */
export interface Groups {
  /** `senders`: who writes there; without it the members, who all sync. */
  readonly rooms: readonly {
    readonly roomId: string
    readonly members: readonly User[]
    readonly senders?: readonly User[]
  }[]
}

/** `clients` users spread over `rooms` rooms of equal size. */
export async function makeGroups(world: World, clients: number, rooms: number): Promise<Groups> {
  const users = await world.users(clients)
  const size = clients / rooms
  const groups = Array.from({ length: rooms }, (_, room) => users.slice(room * size, (room + 1) * size))
  const made: { roomId: string; members: User[] }[] = []
  for (const members of groups) {
    const [owner, ...others] = members
    if (!owner) throw new Error('A room without members')
    const roomId = await owner.createRoom()
    for (const other of others) await other.join(roomId)
    made.push({ roomId, members })
  }
  return { rooms: made }
}

/** Until all long polls that follow the first syncs have reached the server: the clients wait when the first message comes. */
const SETTLE_MS = 500

const MARK = /mark-(\d+)-/g

const sendText = (sender: User, roomId: string, text: string): Promise<void> => sender.send(roomId, text)

/** Milliseconds from a send to each other member's `/sync` answer that has it. */
export async function measureDelivery(
  { rooms }: Groups,
  perSecond: number,
  seconds: number,
  send = sendText,
): Promise<number[]> {
  const sentAt = new Map<number, number>()
  const samples: number[] = []
  const syncers: Syncer[] = []
  for (const { members } of rooms) {
    for (const member of members) {
      const seen = new Set<number>()
      const syncer = new Syncer(member, (text) => {
        const now = performance.now()
        for (const match of text.matchAll(MARK)) {
          const mark = Number(match[1])
          const at = sentAt.get(mark)
          if (at === undefined || seen.has(mark)) continue
          seen.add(mark)
          samples.push(now - at)
        }
      })
      syncers.push(syncer)
    }
  }
  await Promise.all(syncers.map((syncer) => syncer.start()))
  await sleep(SETTLE_MS)
  await paced(perSecond, seconds, async (index) => {
    const room = rooms[index % rooms.length]
    const senders = room?.senders ?? room?.members ?? []
    const sender = senders[Math.floor(index / rooms.length) % senders.length]
    if (!room || !sender) return
    sentAt.set(index, performance.now())
    await send(sender, room.roomId, `mark-${index}- 전달 시간을 재는 메시지`)
  })
  for (const syncer of syncers) syncer.stop()
  return samples
}

const deliveryScenario = (clients: number, rooms: number, perSecond: number, p50: number, p99: number): Scenario => ({
  name: `delivery-${clients}`,
  async run(world): Promise<Figure[]> {
    const groups = await makeGroups(world, clients, rooms)
    const samples = await measureDelivery(groups, perSecond, world.seconds)
    const expected = Math.floor(perSecond * world.seconds) * (clients / rooms)
    return [
      {
        what: `send to delivery, ${clients} clients in ${rooms} rooms, ${perSecond} messages/s`,
        figure: `${latencies(samples)} of ${expected}`,
        bar: `p50 ${ms(p50)}, p99 ${ms(p99)}`,
        holds: median(samples) <= p50 && percentile(samples, 0.99) <= p99 && samples.length >= expected * 0.98,
      },
    ]
  },
})

export const delivery200 = deliveryScenario(200, 20, 50, 4, 10)
export const delivery500 = deliveryScenario(500, 50, 100, 5, 30)
