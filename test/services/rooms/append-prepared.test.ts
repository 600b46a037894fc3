import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import type { RoomId } from '../../../src/matrix/ids.ts'
import { buildEvent } from '../../../src/services/rooms/append/build-event.ts'
import type { Draft } from '../../../src/services/rooms/draft.ts'
import type { Batch, Entry, StateRef } from '../../../src/services/rooms/entry.ts'
import type { LiveRoom } from '../../../src/services/rooms/live-room.ts'
import type { StoredEvent } from '../../../src/services/rooms/stored-event.ts'
import { EVENT_KIND, type EventKind, eventsById } from '../../../src/storage/rooms/events.ts'
import { rawRows } from '../../../src/storage/run.ts'
import { loadState } from '../../../src/storage/state/state.ts'
import { withDatabases } from '../../support/databases.ts'
import { type Door, joining, makeRoom, message, openDoor, SERVER, signingKey, user } from '../../support/rooms.ts'

const alice = user('alice')
const bob = user('bob')
const NO_CHANGE = { state: undefined, changes: [], extremities: { removed: [], added: [] } }

/** An event as another server would have made it on these predecessors. */
async function foreign(room: LiveRoom, draft: Draft, previous: readonly StoredEvent[], before: StateRef | undefined) {
  const state = await room.loadState([
    ['m.room.create', ''],
    ['m.room.power_levels', ''],
    ['m.room.join_rules', ''],
    ['m.room.member', draft.sender],
  ])
  const signer = { serverName: SERVER, signingKey, random: randomBytes }
  const foundation = { roomId: room.roomId, version: room.version, previous, state, isShared: true }
  const { event, authEvents } = buildEvent(draft, foundation, 1_000, signer)
  return { event, authEvents, before, txn: undefined, redacts: undefined, strippedState: undefined } satisfies Entry
}

const marked = (entry: Entry, kind: EventKind, reason: string): Entry => {
  Object.assign(entry.event.row, { kind, reason })
  return entry
}

const write = (door: Door, roomId: RoomId, compose: (room: LiveRoom) => Promise<Omit<Batch, 'room'>>) =>
  door.append.write(roomId, async (room) => ({ room, ...(await compose(room)) }))

const topic = (text: string): Draft => ({
  type: 'm.room.topic',
  sender: alice,
  stateKey: '',
  content: { topic: text },
})

withDatabases('append of prepared entries', (open) => {
  it('keeps both ends of a fork, and an own event merges them', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    await write(door, roomId, async (room) => {
      const before = { on: room.stateNid, edits: [] }
      const one = await foreign(room, topic('one'), room.extremities, before)
      const other = await foreign(room, message(alice, 'other'), room.extremities, before)
      return {
        entries: [one, other],
        state: { on: one, edits: [] },
        changes: [{ edit: { event: one.event, replaces: undefined }, at: one }],
        extremities: { removed: room.extremities, added: [one.event, other.event] },
      }
    })
    const room = await door.liveRooms.get(roomId)
    expect(room.extremities).toHaveLength(2)
    expect((await room.stateEvent('m.room.topic', ''))?.pdu.content).toEqual({ topic: 'one' })
    const ids = room.extremities.map((event) => event.eventId)
    // Each event keeps the state of its own branch.
    const [one, other] = room.tail.events.slice(-2)
    expect(one?.row.state_nid).not.toBe(other?.row.state_nid)
    await door.append.send(roomId, { draft: message(alice, 'both') })
    expect(room.extremities).toHaveLength(1)
    expect(room.extremities[0]?.pdu.prev_events).toEqual(ids)
    expect(room.extremities[0]?.row.state_nid).toBe(one?.row.state_nid)
    const reloaded = await (await openDoor(door.db)).liveRooms.get(roomId)
    expect(reloaded.extremities.map((event) => event.eventId)).toEqual(room.extremities.map((event) => event.eventId))
  })

  it('leaves other extremities alone when an event follows only one of them', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    await write(door, roomId, async (room) => {
      const before = { on: room.stateNid, edits: [] }
      const entries = [
        await foreign(room, message(alice, 'left'), room.extremities, before),
        await foreign(room, message(alice, 'right'), room.extremities, before),
      ]
      const added = entries.map(({ event }) => event)
      return { ...NO_CHANGE, entries, extremities: { removed: room.extremities, added } }
    })
    await write(door, roomId, async (room) => {
      const [left] = room.extremities as [StoredEvent, StoredEvent]
      const next = await foreign(room, message(alice, 'on'), [left], { on: room.stateNid, edits: [] })
      return { ...NO_CHANGE, entries: [next], extremities: { removed: [left], added: [next.event] } }
    })
    const room = await door.liveRooms.get(roomId)
    expect(room.extremities.map((event) => event.pdu.content.body)).toEqual(['right', 'on'])
  })

  it('stores outliers, rejected and soft-failed events where no timeline shows them', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const room = await door.liveRooms.get(roomId)
    const [shown, pos] = [room.tail.events.length, door.stream.current]
    const ids: string[] = []
    await write(door, roomId, async () => {
      const before = { on: room.stateNid, edits: [] }
      const entries = [
        marked(await foreign(room, topic('out'), room.extremities, undefined), EVENT_KIND.outlier, ''),
        marked(await foreign(room, topic('rejected'), room.extremities, before), EVENT_KIND.rejected, 'no power'),
        marked(await foreign(room, topic('failed'), room.extremities, before), EVENT_KIND.softFailed, 'too late'),
      ]
      ids.push(...entries.map(({ event }) => event.eventId))
      return { ...NO_CHANGE, entries }
    })
    expect(room.tail.events).toHaveLength(shown)
    expect(door.stream.current).toBe(pos)
    const rows = new Map((await eventsById(door.db, ids)).map((row) => [row.event_id, row]))
    const [outlier, rejected, softFailed] = ids.map((id) => rows.get(id))
    expect(outlier).toMatchObject({ kind: EVENT_KIND.outlier, pos: null, state_nid: null })
    // A rejected event changes no state; a soft-failed one changes that of what follows it.
    expect(rejected).toMatchObject({ reason: 'no power', pos: null, state_nid: room.stateNid })
    expect(softFailed?.state_nid).not.toBe(room.stateNid)
    expect(await room.stateEvent('m.room.topic', '')).toBeUndefined()
  })

  it('takes entries away that a resolution does not keep, at a position of their own', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    await door.append.send(roomId, { draft: joining(bob) })
    await door.append.send(roomId, { draft: topic('gone') })
    const room = await door.liveRooms.get(roomId)
    const gone = [await room.stateEvent('m.room.topic', ''), await room.stateEvent('m.room.member', bob)]
    const edits = gone.map((replaces) => ({ event: undefined, replaces }))
    const pos = door.stream.current
    await write(door, roomId, async () => ({
      ...NO_CHANGE,
      entries: [],
      state: { on: room.stateNid, edits },
      changes: edits.map((edit) => ({ edit, at: undefined })),
    }))
    expect(door.stream.current).toBe(pos + 1)
    expect(room.lastPos).toBe(pos + 1)
    expect(await room.membershipOf(bob)).toBeUndefined()
    expect([...room.localJoined]).toEqual([alice])
    expect(room.counts.get('join')).toBe(1)
    const changes = await rawRows(door.db, 'select event_nid from state_change where pos = ?', [pos + 1])
    expect(changes).toEqual([{ event_nid: null }, { event_nid: null }])
    const flat = await rawRows<{ event_nid: number }>(door.db, 'select event_nid from current_state order by event_nid')
    const stored = await loadState(door.db, room.stateNid as number)
    expect(stored.map((entry) => entry.eventNid).sort((a, b) => a - b)).toEqual(flat.map((row) => row.event_nid))
    expect(await rawRows(door.db, 'select * from membership')).toHaveLength(1)
    const reloaded = await (await openDoor(door.db)).liveRooms.get(roomId)
    expect(reloaded.lastPos).toBe(pos + 1)
  })

  it('forgets the room when a write fails, and goes on with the next one', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const before = await door.liveRooms.get(roomId)
    const lost = { nid: 999_999 } as StoredEvent
    const failing = write(door, roomId, async () => ({
      ...NO_CHANGE,
      entries: [],
      changes: [{ edit: { event: lost, replaces: undefined }, at: undefined }],
    }))
    const next = door.append.send(roomId, { draft: message(alice, 'after') })
    await expect(failing).rejects.toThrow()
    const { eventId, pos } = await next
    const room = await door.liveRooms.get(roomId)
    expect(room).not.toBe(before)
    expect(room.extremities.map((event) => event.eventId)).toEqual([eventId])
    expect(door.stream.current).toBe(pos)
  })
})
