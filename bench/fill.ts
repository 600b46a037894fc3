import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { pino } from 'pino'
import type { Services } from '../src/compose/services.ts'
import { loadConfig } from '../src/config/load.ts'
import type { RoomId, UserId } from '../src/matrix/ids.ts'
import { systemNetwork } from '../src/outbound/network.ts'
import { createServer } from '../src/server.ts'
import { systemClock } from '../src/util/clock.ts'
import { type DatabaseInput, databaseBytes, makeServerHome } from './load/server-process.ts'

const USERS = 100
/** One room holds a tenth of all events, so that a long room is measured too; the others are alike. */
const ROOMS = 900
const AT_ONCE = 16
const CHAIN = 50
const TEXT = '내일 오전 열 시 회의 자료를 공유 폴더에 올렸습니다. 검토하신 뒤 의견을 남겨 주시기 바랍니다.'

/** Words of the messages: one of all, of every hundredth, of every ten thousandth, of none. */
export const COMMON = '회의'
export const OFTEN = '예산안검토'
export const SELDOM = '감사원'
export const NEVER = '봉수대'

/** Average bytes of a message event: with everything that the database keeps for it, and its own JSON alone. */
export interface BytesPerEvent {
  readonly stored: number
  readonly json: number
}

/**
 * Fills the database with messages through the server's own door, in this process; a database that was filled before is
 * left as it is. Returns what an event costs on disk, where that can be told (SQLite, just filled).
 */
export async function fill(
  dataDir: string,
  database: DatabaseInput,
  events: number,
  print: (line: string) => void,
): Promise<BytesPerEvent | undefined> {
  const marker = join(dataDir, 'filled.json')
  if (existsSync(marker)) {
    const { bytes } = JSON.parse(readFileSync(marker, 'utf8')) as { bytes?: BytesPerEvent }
    return bytes
  }
  const configFile = makeServerHome(dataDir, database, 0)
  const { database: opened } = loadConfig(configFile)
  const sqlite = opened.kind === 'sqlite' ? opened.path : undefined
  let bytes: BytesPerEvent | undefined
  await withServices(configFile, async (services) => {
    const started = performance.now()
    const users = await makeUsers(services)
    const rooms = await makeRooms(services, users)
    const before = sqlite ? databaseBytes(sqlite) : 0
    await sendAll(services, users, rooms, events)
    await services.searchIndex?.caughtUp()
    print(`Filled the database with ${events} events in ${((performance.now() - started) / 1000).toFixed(0)} s.`)
    if (sqlite && events > 0) {
      bytes = { stored: (databaseBytes(sqlite) - before) / events, json: averageJsonBytes(sqlite) }
    }
  })
  writeFileSync(marker, JSON.stringify({ bytes }))
  return bytes
}

/** Uses a server's services in this process, without its listeners. */
export async function withServices(configFile: string, work: (services: Services) => Promise<void>): Promise<void> {
  const onFatal = (error: unknown) => {
    throw error
  }
  const server = await createServer(loadConfig(configFile), {
    clock: systemClock,
    random: randomBytes,
    network: systemNetwork(),
    log: pino({ level: 'silent' }),
    onFatal,
  })
  try {
    await work(server.services)
  } finally {
    await server.close()
  }
}

async function makeUsers({ accounts }: Services): Promise<UserId[]> {
  const users: UserId[] = []
  for (let i = 0; i < USERS; i++) {
    const userId: UserId = `@fill-${i}:bench.localhost`
    await accounts.create({ userId, passwordHash: undefined })
    users.push(userId)
  }
  return users
}

async function makeRooms({ createRoom }: Services, users: readonly UserId[]): Promise<RoomId[]> {
  const rooms: RoomId[] = []
  for (let i = 0; i <= ROOMS; i++) {
    rooms.push(
      await createRoom(
        { userId: senderOf(users, i) },
        { preset: 'public_chat', visibility: 'public', name: `회의실 ${i}` },
      ),
    )
  }
  return rooms
}

async function sendAll(
  { append }: Services,
  users: readonly UserId[],
  rooms: readonly RoomId[],
  events: number,
): Promise<void> {
  let left = events
  let room = 0
  let txnId = 0
  const work = async () => {
    while (left > 0) {
      const index = left > events * 0.9 ? 0 : 1 + (room++ % ROOMS)
      const count = Math.min(CHAIN, left)
      left -= count
      const sender = senderOf(users, index)
      await Promise.all(
        Array.from({ length: count }, () =>
          append.send(rooms[index] as RoomId, {
            draft: { type: 'm.room.message', sender, content: { msgtype: 'm.text', body: textOf(txnId) } },
            // As a client's message has one, and its row in the database with it.
            txn: { deviceNid: 1, pathCrc: 1, txnId: String(txnId++) },
          }),
        ),
      )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

const textOf = (index: number): string =>
  `${TEXT}${index % 100 === 0 ? ` ${OFTEN}` : ''}${index % 10_000 === 0 ? ` ${SELDOM}` : ''}`

const senderOf = (users: readonly UserId[], index: number): UserId => users[index % users.length] as UserId

function averageJsonBytes(path: string): number {
  const database = new Database(path, { readonly: true })
  const row = database
    .prepare<[], { bytes: number }>('select avg(length(cast(json as blob))) as bytes from event where key_nid is null')
    .get()
  database.close()
  return row?.bytes ?? 0
}
