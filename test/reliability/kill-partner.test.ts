import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { expect, it } from 'vitest'
import { Client, roomPath, type User } from '../support/client.ts'
import { joinVia, membershipBecomes } from '../support/federated.ts'
import { Authority } from '../support/tls.ts'
import { rounds, timeoutMs } from './length.ts'
import { type RunningServer, type ServerHome, serverHome } from './server-process.ts'
import { Talker } from './talker.ts'

const TALKERS = 2
const MAX_LIFE_MS = 600
/** So long nothing may get on: a partner that was away is tried again within five seconds of being heard of. */
const PATIENCE_MS = 30_000

/** What is still to be done. */
const WAITING = ['outbox_event', 'outbox_edu', 'held_event'].map((table) => `select count(*) from ${table}`)

function read<T>({ databasePath }: ServerHome, work: (database: Database.Database) => T): T {
  const database = new Database(databasePath, { readonly: true })
  try {
    return work(database)
  } finally {
    database.close()
  }
}

/** How much a server has still to do. */
const waitingAt = (home: ServerHome): number =>
  read(home, (database) => WAITING.reduce((sum, sql) => sum + Number(database.prepare(sql).pluck().get()), 0))

/** What was said, each as often as it is in a timeline of a server. */
const saidAt = (home: ServerHome): string[] =>
  read(home, (database) => database.prepare('select json from event where kind = 0').pluck().all())
    .flatMap((json) => saidIn(JSON.parse(String(json))))
    .sort()

const saidIn = ({ content: { body } }: { content: { body?: unknown } }): string[] =>
  typeof body === 'string' && body.includes(' says ') ? [body] : []

/** What each holds once all hold the same and nothing is left to be done, however long that takes while they get on. */
async function settled(homes: readonly ServerHome[]): Promise<string[][]> {
  let [least, since] = [Number.POSITIVE_INFINITY, 0]
  for (;;) {
    const waiting = homes.map(waitingAt)
    const left = waiting.reduce((sum, count) => sum + count, 0)
    if (left < least) [least, since] = [left, performance.now()]
    const isOver = performance.now() - since > PATIENCE_MS
    if (isOver) expect(waiting).toEqual(homes.map(() => 0))
    const said = left === 0 ? homes.map(saidAt) : []
    if (left === 0 && (isOver || said.every((texts) => texts.join() === said[0]?.join()))) return said
    await sleep(50)
  }
}

it(
  'kill -9 of one of two servers that talk loses nothing that was acknowledged, doubles nothing and leaves nothing behind',
  async () => {
    const authority = await Authority.create()
    const homes = [await serverHome(authority), await serverHome(authority)] as const
    const running: [RunningServer, RunningServer] = await Promise.all([homes[0].start(), homes[1].start()])
    const people = (side: 0 | 1) =>
      Promise.all(Array.from({ length: TALKERS }, (_, i) => new Client(homes[side].url).register(`user${i}`)))
    const [hosts, guests] = [await people(0), await people(1)]
    const [host, guest] = [hosts[0] as User, guests[0] as User]
    const roomId = await host.createRoom({ preset: 'public_chat', power_level_content_override: { state_default: 0 } })
    for (const user of hosts) await user.join(roomId)
    for (const user of guests) await joinVia(user, roomId, homes[0].serverName)
    for (const user of guests) await membershipBecomes(host, roomId, user.userId, 'join')
    const talkers = [...hosts, ...guests].map((user) => new Talker(user, encodeURIComponent(roomId)))
    for (const round of rounds(2)) {
      const side = round % 2 === 0 ? 0 : 1
      const stop = new AbortController()
      const talking = talkers.map((talker) => talker.talk(stop.signal))
      // At any moment: this is what the test is about.
      await sleep(200 + Math.random() * MAX_LIFE_MS)
      await running[side].kill()
      await sleep(100)
      stop.abort()
      await Promise.all(talking)
      running[side] = await homes[side].start()
    }
    // Whoever had no answer asks again.
    await Promise.all(talkers.map((talker) => talker.insist()))
    const [here, there] = await settled(homes)
    expect(there).toEqual(here)
    expect(here).toEqual([...new Set(here)])
    expect(talkers.every((talker) => talker.acknowledged.size > 0)).toBe(true)
    const acknowledged = talkers.flatMap((talker) => [...talker.acknowledged.values()])
    expect(here).toEqual(acknowledged.sort())
    expect(await stateOf(host, roomId)).toEqual(await stateOf(guest, roomId))
  },
  timeoutMs,
)

const stateOf = async (user: User, roomId: string): Promise<string[]> =>
  (await user.get(`${roomPath(roomId)}/state`)).map((event: { event_id: string }) => event.event_id).sort()
