import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import { openServer } from '../../support/server.ts'

/** What a writer does next: `room` and `kind` are taken modulo what there is. */
interface Step {
  room: number
  kind: number
}

const ROOMS = 3
const steps = fc.array(fc.record({ room: fc.nat(), kind: fc.nat({ max: 8 }) }), { minLength: 8, maxLength: 20 })
const FILTER = JSON.stringify({ room: { timeline: { limit: 200 } }, presence: { types: [] } })

it('Between two syncs no event is lost or comes twice, whoever writes meanwhile', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 3 }), async (schedules) => {
      const server = await openServer()
      try {
        await runSchedules((name) => server.client.register(name), schedules)
      } finally {
        await server.close()
      }
    }),
    { numRuns: 4 },
  )
})

type Register = (name: string) => Promise<User>

async function runSchedules(register: Register, schedules: readonly Step[][]): Promise<void> {
  const reader = await register('reader')
  const writers = await Promise.all(schedules.map((_, i) => register(`writer${i}`)))
  const rooms = await Promise.all(Array.from({ length: ROOMS }, () => reader.createRoom({ preset: 'public_chat' })))
  for (const writer of writers) for (const roomId of rooms) await writer.join(roomId)
  await reader.sync({ filter: FILTER })

  const received = new Map<string, string[]>(rooms.map((roomId) => [roomId, []]))
  const writing = { done: false }
  const collect = async (timeout: string) => {
    const { rooms: changed } = await reader.sync({ filter: FILTER, timeout })
    let count = 0
    // biome-ignore lint/suspicious/noExplicitAny: an answer of many parts
    for (const [roomId, room] of Object.entries<any>(changed?.join ?? {})) {
      expect(room.timeline.limited).toBe(false)
      for (const event of room.timeline.events) received.get(roomId)?.push(event.event_id)
      count += room.timeline.events.length
    }
    return count
  }
  const reading = (async () => {
    while (!writing.done) await collect('20')
    while ((await collect('0')) > 0);
  })()
  const sent = await Promise.all(schedules.map((schedule, i) => write(writers[i] as User, rooms, schedule)))
  writing.done = true
  await reading
  for (const roomId of rooms) {
    const expected = sent.map((perRoom) => perRoom.get(roomId) ?? [])
    const got = received.get(roomId) ?? []
    expect([...got].sort()).toEqual(expected.flat().sort())
    // What one writer sent comes in that order.
    for (const ids of expected) expect(got.filter((id) => ids.includes(id))).toEqual(ids)
  }
}

/** Sends, sets state, types, reads, in the order of the schedule; returns the ids of the events by room. */
async function write(writer: User, rooms: readonly string[], schedule: readonly Step[]) {
  const sent = new Map<string, string[]>()
  for (const [index, { room, kind }] of schedule.entries()) {
    const roomId = rooms[room % rooms.length] as string
    const ids = sent.get(roomId) ?? []
    sent.set(roomId, ids)
    const path = `/v3/rooms/${encodeURIComponent(roomId)}`
    if (kind < 6) ids.push(await writer.send(roomId, `message ${index}`))
    else if (kind < 8) await writer.put(`${path}/typing/${encodeURIComponent(writer.userId)}`, { typing: true })
    else if (ids.length > 0) await writer.post(`${path}/receipt/m.read/${encodeURIComponent(ids.at(-1) as string)}`)
  }
  return sent
}
