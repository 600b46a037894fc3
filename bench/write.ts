import type { RoomId } from '../src/matrix/ids.ts'
import { type Door, joining, makeRoom, message, openDoor, user } from '../test/support/rooms.ts'
import { freshDatabases } from './load/databases.ts'

/** The one door alone, without HTTP and accounts: operations a second, and the CPU that each takes. */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5)
const ROOMS = 100
const MEMBERS = 300
const TEXT = '회의 자료를 올렸습니다. 확인 부탁드립니다.'

/** Runs `work` again and again in so many loops at once, and prints what one run of it costs. */
async function measure(what: string, loops: number, work: (loop: number, count: number) => Promise<unknown>) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const end = start + SECONDS * 1000
  let count = 0
  await Promise.all(
    Array.from({ length: loops }, async (_, loop) => {
      while (performance.now() < end) await work(loop, count++)
    }),
  )
  const seconds = (performance.now() - start) / 1000
  const { user: inUser, system } = process.cpuUsage(cpu)
  const each = (inUser + system) / 1000 / count
  process.stdout.write(`${what.padEnd(60)} ${Math.round(count / seconds)}/s, ${each.toFixed(3)} ms of CPU each\n`)
}

async function messages(door: Door): Promise<void> {
  const senders = Array.from({ length: ROOMS }, (_, i) => user(`u${i}`))
  const rooms: RoomId[] = []
  for (const sender of senders) rooms.push(await makeRoom(door, sender))
  let txns = 0
  const send = (loop: number, count: number) =>
    door.append.send(rooms[loop] as RoomId, {
      draft: message(senders[loop] as (typeof senders)[number], `${TEXT} ${count}`),
      txn: { deviceNid: loop, pathCrc: 1, txnId: `m${txns++}` },
    })
  await measure(`messages, ${ROOMS} senders in ${ROOMS} rooms`, ROOMS, send)
  await measure('messages, 100 senders in one room', 100, (_, count) => send(0, count))
  await measure('messages, one sender, one after the other', 1, send)
}

async function joins(door: Door): Promise<void> {
  const creator = user('creator')
  let roomId = await makeRoom(door, creator)
  let joined = 0
  await measure(`joins, 8 at a time, rooms of up to ${MEMBERS} members`, 8, async (loop, count) => {
    if (++joined % MEMBERS === 0) roomId = await makeRoom(door, creator)
    return door.append.send(roomId, { draft: joining(user(`m${loop}-${count}`)) })
  })
  await measure('rooms created, 8 at a time (4 events each)', 8, () => makeRoom(door, creator))
}

for await (const { kind, db } of freshDatabases()) {
  process.stdout.write(`${kind}\n`)
  const door = await openDoor(db)
  await messages(door)
  await joins(door)
}
