import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import type { RoomId, UserId } from '../../src/matrix/ids.ts'
import type { JsonObject } from '../../src/matrix/json.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import { roomVersion } from '../../src/room/versions.ts'
import { Hub } from '../../src/services/hub.ts'
import { Append } from '../../src/services/rooms/append.ts'
import type { Draft } from '../../src/services/rooms/draft.ts'
import { LiveRooms } from '../../src/services/rooms/live-rooms.ts'
import { Stream } from '../../src/services/stream.ts'
import { currentPosition } from '../../src/storage/counter.ts'
import type { Db } from '../../src/storage/db.ts'
import { FakeClock } from './clock.ts'

export const SERVER = 'example.org'
export const signingKey = new SigningKey('test', Buffer.alloc(32, 7))

/** The door for events, over a database: what a process has, without accounts and HTTP. */
export interface Door {
  db: Db
  clock: FakeClock
  stream: Stream
  hub: Hub
  liveRooms: LiveRooms
  append: Append
}

export async function openDoor(db: Db, clock = new FakeClock(), maxBytes?: number): Promise<Door> {
  const stream = new Stream(db, await currentPosition(db))
  const hub = new Hub()
  const liveRooms = new LiveRooms(db, maxBytes)
  const append = new Append({
    db,
    clock,
    stream,
    hub,
    rooms: liveRooms,
    serverName: SERVER,
    signingKey,
    random: randomBytes,
    log: pino({ level: 'error' }, process.stderr),
  })
  return { db, clock, stream, hub, liveRooms, append }
}

export const user = (localpart: string): UserId => `@${localpart}:${SERVER}`

/** The first events of a public room whose members may do anything but change its power levels. */
export function firstEvents(creator: UserId, version: string, content: JsonObject = {}): Draft[] {
  const state = (type: string, body: JsonObject, stateKey = ''): Draft => ({
    type,
    sender: creator,
    stateKey,
    content: body,
  })
  const users = version === '12' ? {} : { [creator]: 100 }
  const entropy = randomBytes(6).toString('hex')
  return [
    state('m.room.create', { room_version: version, creator, entropy, ...content }),
    state('m.room.member', { membership: 'join' }, creator),
    state('m.room.power_levels', { users, state_default: 0 }),
    state('m.room.join_rules', { join_rule: 'public' }),
  ]
}

export async function makeRoom({ append }: Door, creator: UserId, version = '12'): Promise<RoomId> {
  const rules = roomVersion(version)
  if (!rules) throw new Error(`No such room version: ${version}`)
  return append.createRoom(rules, `!${randomBytes(9).toString('hex')}:${SERVER}`, firstEvents(creator, version))
}

export const joining = (userId: UserId): Draft => ({
  type: 'm.room.member',
  sender: userId,
  stateKey: userId,
  content: { membership: 'join' },
})

export const message = (sender: UserId, body: string): Draft => ({
  type: 'm.room.message',
  sender,
  content: { msgtype: 'm.text', body },
})
