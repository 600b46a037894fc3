// biome-ignore-all lint/suspicious/noExplicitAny: an answer of many parts
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import { openServer } from '../../support/server.ts'
import { SlidingClient } from '../../support/sliding.ts'

const ROOMS = 4
const NAME = 'm.room.topic'

/** What the reader does next: how far its window reaches, and whether the answer gets lost. */
interface Look {
  last: number
  isLost: boolean
}

const writing = fc.array(fc.nat({ max: ROOMS * 4 - 1 }), { minLength: 6, maxLength: 16 })
const looking = fc.array(fc.record({ last: fc.nat({ max: ROOMS - 1 }), isLost: fc.boolean() }), {
  minLength: 4,
  maxLength: 12,
})

it('Between two answers of sliding sync no event is lost or comes twice, whoever writes and whatever gets lost', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(writing, { minLength: 3, maxLength: 3 }), looking, async (schedules, looks) => {
      const server = await openServer()
      try {
        await run((name) => server.client.register(name), schedules, looks)
      } finally {
        await server.close()
      }
    }),
    { numRuns: 6 },
  )
})

const windowTo = (last: number) => ({
  lists: { top: { ranges: [[0, last]], timeline_limit: 100, required_state: [[NAME, '']] } },
})

async function run(register: (name: string) => Promise<User>, schedules: readonly number[][], looks: readonly Look[]) {
  const reader = await register('reader')
  const writers = await Promise.all(schedules.map((_, i) => register(`writer${i}`)))
  const rooms: string[] = []
  const levels = { state_default: 0, users_default: 0 }
  for (let i = 0; i < ROOMS; i++) {
    rooms.push(await reader.createRoom({ preset: 'public_chat', power_level_content_override: levels }))
  }
  for (const writer of writers) for (const roomId of rooms) await writer.join(roomId)
  const sliding = new SlidingClient(reader, windowTo(ROOMS - 1))
  await sliding.sync()

  const received = new Map<string, string[]>(rooms.map((roomId) => [roomId, []]))
  const topics = new Map<string, string>()
  const take = (answer: any): number => {
    for (const [roomId, room] of Object.entries<any>(answer.rooms)) {
      expect(room).not.toMatchObject({ limited: true })
      expect(room.initial).toBeUndefined()
      for (const event of room.timeline ?? []) received.get(roomId)?.push(event.event_id)
      for (const event of room.required_state ?? []) topics.set(roomId, event.content.topic)
    }
    return Object.keys(answer.rooms).length
  }
  const done = Promise.all(schedules.map((schedule, i) => write(writers[i] as User, rooms, schedule)))
  for (const { last, isLost } of looks) {
    Object.assign(sliding.body, windowTo(last))
    if (isLost) await sliding.ask(5)
    else take(await sliding.sync({}, 5))
  }
  const sent = await done
  while (take(await sliding.sync(windowTo(ROOMS - 1))) > 0);
  for (const roomId of rooms) {
    const expected = sent.map((perRoom) => perRoom.get(roomId) ?? [])
    const got = received.get(roomId) ?? []
    expect([...got].sort()).toEqual(expected.flat().sort())
    // What one writer sent comes in that order.
    for (const ids of expected) expect(got.filter((id) => ids.includes(id))).toEqual(ids)
    const current = await reader.request('GET', `/v3/rooms/${encodeURIComponent(roomId)}/state/${NAME}`)
    expect(topics.get(roomId)).toEqual(current.status === 200 ? current.body.topic : undefined)
  }
}

/** Sends messages and now and then a topic; returns the ids of the events by room. */
async function write(writer: User, rooms: readonly string[], schedule: readonly number[]) {
  const sent = new Map<string, string[]>()
  for (const [index, step] of schedule.entries()) {
    const roomId = rooms[step % rooms.length] as string
    const ids = sent.get(roomId) ?? []
    sent.set(roomId, ids)
    const text = `${writer.userId} ${index}`
    if (step < rooms.length) ids.push(await writer.sendState(roomId, NAME, { topic: text }))
    else ids.push(await writer.send(roomId, text))
  }
  return sent
}
