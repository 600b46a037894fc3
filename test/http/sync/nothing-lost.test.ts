import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../../src/config/schema.ts'
import type { User } from '../../support/client.ts'
import { freshPostgres, postgresUrl } from '../../support/fresh-database.ts'
import { openServer } from '../../support/server.ts'

type Database = NonNullable<Parameters<typeof openServer>[0]>['config']

/** What a writer does next: `room` and `kind` are taken modulo what there is. */
interface Step {
  room: number
  kind: number
}

const ROOMS = 3
const steps = fc.array(fc.record({ room: fc.nat(), kind: fc.nat({ max: 8 }) }), { minLength: 8, maxLength: 20 })
const FILTER = JSON.stringify({ room: { timeline: { limit: 200 } }, presence: { types: [] } })

describe.each(postgresUrl === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const))(
  'Between two syncs (%s)',
  (kind) => {
    it('no event is lost or comes twice, whoever writes meanwhile', { timeout: 120_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 3 }), async (schedules) => {
          await withServer(kind, (client) => runSchedules(client, schedules))
        }),
        { numRuns: 4 },
      )
    })
  },
)

type Register = (name: string) => Promise<User>

async function withServer(kind: 'sqlite' | 'postgres', run: (register: Register) => Promise<void>): Promise<void> {
  const fresh = kind === 'postgres' && postgresUrl !== undefined ? await freshPostgres(postgresUrl) : undefined
  const config = fresh ? ({ database: databaseSection(fresh.config) } as Database) : undefined
  const server = await openServer(config ? { config } : {})
  try {
    await run((name) => server.client.register(name))
  } finally {
    await server.close()
    await fresh?.remove()
  }
}

const databaseSection = (config: object): Config['database'] => {
  const { kind, url, schema } = config as { kind: 'postgres'; url: string; schema: string }
  return { kind, url, schema, max_connections: 4 }
}

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
