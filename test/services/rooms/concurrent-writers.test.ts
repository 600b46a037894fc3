import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MatrixError } from '../../../src/matrix/errors.ts'
import type { RoomId } from '../../../src/matrix/ids.ts'
import type { Draft, SendRequest } from '../../../src/services/rooms/draft.ts'
import type { LiveRoom } from '../../../src/services/rooms/live-room.ts'
import type { Db } from '../../../src/storage/db.ts'
import { listCurrentState } from '../../../src/storage/rooms/current-state.ts'
import type { EventRow } from '../../../src/storage/rooms/events.ts'
import { rawRows } from '../../../src/storage/run.ts'
import { loadState } from '../../../src/storage/state/state.ts'
import { withDatabases } from '../../support/databases.ts'
import { type Door, joining, makeRoom, message, openDoor, user } from '../../support/rooms.ts'

const ROOMS = 3
const USERS = ['alice', 'bob', 'carol', 'dave'].map(user)
const creator = user('alice')

/** Something that a user does in one of the rooms; `pause` lets what waits go on first. */
interface Step {
  room: number
  who: number
  what: 'send' | 'again' | 'name' | 'join' | 'leave' | 'kick' | 'redact'
  value: number
  pause: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  room: fc.nat(ROOMS - 1),
  who: fc.nat(USERS.length - 1),
  what: fc.constantFrom('send', 'send', 'again', 'name', 'join', 'join', 'leave', 'kick', 'redact'),
  value: fc.nat(3),
  pause: fc.boolean(),
})

withDatabases('concurrent writers', (open, kind) => {
  it('lose nothing, double nothing, and leave tables that a replay confirms', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
        const door = await openDoor(await open())
        const roomIds: RoomId[] = []
        for (let i = 0; i < ROOMS; i++) roomIds.push(await makeRoom(door, creator, i === 0 ? '11' : '12'))
        const acknowledged = await play(door, roomIds, steps)
        await checkTables(door.db, acknowledged)
        for (const roomId of roomIds) await checkRoom(door.db, await door.liveRooms.get(roomId))
        // What memory holds is what a new process would load.
        const fresh = await openDoor(door.db)
        for (const roomId of roomIds) {
          expect(await picture(await door.liveRooms.get(roomId))).toEqual(
            await picture(await fresh.liveRooms.get(roomId)),
          )
        }
      }),
      { numRuns: kind === 'sqlite' ? 12 : 4 },
    )
  }, 120_000)
})

/** Plays all steps at once and looks meanwhile, as `/sync` would: what was visible once stays as it was. */
async function play(door: Door, roomIds: readonly RoomId[], steps: readonly Step[]): Promise<Set<string>> {
  const acknowledged = new Set<string>()
  const looks: { pos: number; seen: number }[] = []
  const look = async () => {
    const pos = door.stream.current
    const rows = await rawRows<{ n: number }>(door.db, 'select count(*) as n from event where pos <= ?', [pos])
    looks.push({ pos, seen: rows[0]?.n ?? 0 })
  }
  const sends: Promise<void>[] = []
  for (const [index, one] of steps.entries()) {
    const roomId = roomIds[one.room] as RoomId
    const sent = door.append.send(roomId, await requestOf(door, roomId, one, index))
    sends.push(
      sent.then(
        ({ eventId, pos }) => {
          acknowledged.add(eventId)
          expect(door.stream.current).toBeGreaterThanOrEqual(pos)
        },
        (error: unknown) => {
          if (!(error instanceof MatrixError)) throw error
        },
      ),
    )
    if (one.pause) await look()
  }
  await Promise.all(sends)
  for (const { pos, seen } of looks) {
    const rows = await rawRows<{ n: number }>(door.db, 'select count(*) as n from event where pos <= ?', [pos])
    expect(rows[0]?.n).toBe(seen)
  }
  return acknowledged
}

async function requestOf(door: Door, roomId: RoomId, { who, what, value }: Step, index: number): Promise<SendRequest> {
  const sender = USERS[who] as (typeof USERS)[number]
  const txn = { deviceNid: who, pathCrc: 1, txnId: what === 'again' ? `same ${value}` : `${index}` }
  const state = (type: string, stateKey: string, content: Draft['content']) => ({
    draft: { type, sender, stateKey, content },
  })
  if (what === 'name') return state('m.room.name', '', { name: `${value}` })
  if (what === 'join') return { draft: joining(sender) }
  if (what === 'leave') return state('m.room.member', sender, { membership: 'leave' })
  if (what === 'kick') return state('m.room.member', USERS[value] as string, { membership: 'leave' })
  if (what !== 'redact') return { draft: message(sender, `${index}`), txn }
  const target = (await door.liveRooms.get(roomId)).tail.events.at(-1 - value)
  return { draft: { type: 'm.room.redaction', sender, content: {}, redacts: target?.eventId ?? '$none' }, txn }
}

async function checkTables(db: Db, acknowledged: ReadonlySet<string>): Promise<void> {
  const rows = await rawRows<EventRow>(db, 'select * from event order by pos')
  expect(new Set(rows.map((row) => row.event_id)).size).toBe(rows.length)
  expect(rows.map((row) => row.pos)).toEqual(rows.map((_, index) => index + 1))
  const known = new Set(rows.map((row) => row.event_id))
  for (const eventId of acknowledged) expect(known.has(eventId)).toBe(true)
  // One event for each transaction, and no transaction without one.
  const txns = await rawRows<{ event_nid: number }>(db, 'select event_nid from transaction_id')
  expect(new Set(txns.map((row) => row.event_nid)).size).toBe(txns.length)
}

async function checkRoom(db: Db, room: LiveRoom): Promise<void> {
  const rows = await rawRows<EventRow>(db, 'select * from event where room_nid = ? order by pos', [room.nid])
  // Room order is arrival order here, and every event follows the one before it.
  expect(rows.map((row) => row.depth)).toEqual(rows.map((_, index) => index + 1))
  expect(rows.slice(1).map((row) => JSON.parse(row.json).prev_events.flat()[0])).toEqual(
    rows.slice(0, -1).map((row) => row.event_id),
  )
  const replayed = new Map<string, number>()
  for (const row of rows) {
    if (row.key_nid !== null) replayed.set(`${row.type_nid} ${row.key_nid}`, row.nid)
    const stored = await loadState(db, row.state_nid as number)
    expect(new Map(stored.map((entry) => [`${entry.typeNid} ${entry.keyNid}`, entry.eventNid]))).toEqual(replayed)
  }
  const current = await listCurrentState(db, room.nid, { typeNid: 0, keyNid: 0 }, 1_000)
  expect(new Map(current.map((row) => [`${row.type_nid} ${row.key_nid}`, row.nid]))).toEqual(replayed)
  const changes = await rawRows<{
    type_nid: number
    key_nid: number
    event_nid: number
    prev_event_nid: number | null
  }>(db, 'select * from state_change where room_nid = ? order by pos', [room.nid])
  const logged = new Map<string, number>()
  for (const change of changes) {
    const key = `${change.type_nid} ${change.key_nid}`
    expect(change.prev_event_nid).toBe(logged.get(key) ?? null)
    logged.set(key, change.event_nid)
  }
  expect(logged).toEqual(replayed)
}

/** What a room in memory says, without what it has not been asked for yet. */
async function picture(room: LiveRoom) {
  const members = new Map<string, string | undefined>()
  for (const userId of USERS) members.set(userId, await room.membershipOf(userId))
  return {
    stateNid: room.stateNid,
    lastPos: room.lastPos,
    extremities: room.extremities.map((event) => event.row),
    tail: room.tail.newest(0, room.lastPos, 30).map((event) => [event.row, room.tail.txnOf(event)]),
    joined: new Set(room.localJoined),
    counts: new Map([...room.counts].filter(([, count]) => count > 0)),
    heroes: await room.heroes(),
    name: (await room.stateEvent('m.room.name', ''))?.row,
    members,
  }
}
