import { expect, it } from 'vitest'
import type { Sender } from '../../src/federation/sending/sender.ts'
import type { RoomId } from '../../src/matrix/ids.ts'
import { prevEventIds } from '../../src/room/event.ts'
import { stateKeyOf } from '../../src/room/state-key.ts'
import { stableVersionIds } from '../../src/room/versions.ts'
import { Outgoing } from '../../src/services/federation/outgoing.ts'
import { storeOutliers } from '../../src/services/rooms/receive/outliers.ts'
import { receiveEvents } from '../../src/services/rooms/receive/receive-events.ts'
import { stateBefore } from '../../src/services/rooms/serve/state-at.ts'
import { editedView, storedView } from '../../src/services/rooms/state/state-view.ts'
import { StoredEvent } from '../../src/services/rooms/stored-event.ts'
import { EVENT_KIND, type EventRow, findEvent } from '../../src/storage/rooms/events.ts'
import { rawRows } from '../../src/storage/run.ts'
import { loadState } from '../../src/storage/state/state.ts'
import { withDatabases } from '../support/databases.ts'
import { incoming, joinForeign } from '../support/foreign-room.ts'
import { type BuiltEvent, RoomBuilder } from '../support/room-builder.ts'
import { type Door, joining, message, openDoor, SERVER, user } from '../support/rooms.ts'

const creator = '@alice:hs1'
const bob = '@bob:hs2'

withDatabases('events of other servers', (open) => {
  const receive = (door: Door, room: RoomBuilder, ...events: BuiltEvent[]) =>
    receiveEvents(door, room.roomId as RoomId, incoming(room, events))
  const live = (door: Door, room: RoomBuilder) => door.liveRooms.get(room.roomId)

  it.each(stableVersionIds())('follow a room that one of ours has joined, in version %s', async (version) => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public(version)
    room.join(bob)
    await joinForeign(door, room)
    const topic = room.state('m.room.topic', creator, { topic: 'budget' })
    const outcomes = await receive(door, room, topic, room.message(bob), room.message(creator))
    expect([...outcomes.values()].map(({ is }) => is)).toEqual(['accepted', 'accepted', 'accepted'])
    const here = await live(door, room)
    expect(here.extremities.map((event) => event.eventId)).toEqual([room.last.eventId])
    expect((await here.stateEvent('m.room.topic', ''))?.eventId).toBe(topic.eventId)
    expect([...here.localJoined]).toEqual([user('alice')])
    await door.append.send(here.roomId, { draft: message(user('alice'), 'hello') })
    // What is stored is what memory says.
    const flat = await rawRows<{ event_nid: number }>(door.db, 'select event_nid from current_state order by event_nid')
    const stored = await loadState(door.db, here.stateNid as number)
    expect(stored.map((entry) => entry.eventNid).sort((a, b) => a - b)).toEqual(flat.map((row) => row.event_nid))
  })

  it('end in the join of one of ours whom the other server took for a member already', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public()
    room.join(user('alice'))
    const again = await joinForeign(door, room)
    const changes = await rawRows<{ event_id: string }>(
      door.db,
      `select e.event_id from state_change c join event e on e.nid = c.event_nid join name n on n.nid = c.key_nid
       where n.text = ? order by c.pos`,
      [user('alice')],
    )
    expect(changes.map((row) => row.event_id)).toEqual([again.eventId])
    const here = await live(door, room)
    expect((await here.stateEvent('m.room.member', user('alice')))?.eventId).toBe(again.eventId)
    expect(here.counts.get('join')).toBe(2)
  })

  it('are taken once', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public()
    await joinForeign(door, room)
    const event = room.message(creator)
    await receive(door, room, event)
    expect((await receive(door, room, event)).get(event.eventId)).toEqual({ is: 'known' })
    expect((await live(door, room)).tail.events.filter(({ eventId }) => eventId === event.eventId)).toHaveLength(1)
  })

  it('are put in order, whatever order they come in', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public()
    await joinForeign(door, room)
    const events = [room.message(creator), room.message(creator), room.message(creator)]
    await receive(door, room, ...events.toReversed())
    const shown = (await live(door, room)).tail.events.slice(-3)
    expect(shown.map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId))
  })

  it('resolve forks as the rules of the version say, and tell of what changes', async () => {
    for (const version of ['1', '2', '11', '12']) {
      const door = await openDoor(await open())
      const own = version === '12' ? {} : { [creator]: 100 }
      const room = RoomBuilder.public(version, creator, { users: { ...own, [bob]: 50 } })
      room.join(bob)
      await joinForeign(door, room)
      const before = room.last
      const byBob = room.state('m.room.topic', bob, { topic: 'bob' }, { after: [before] })
      const levels = room.state('m.room.power_levels', creator, { users: own }, { after: [before] })
      const name = room.state('m.room.name', creator, { name: 'ours' }, { after: [levels] })
      await receive(door, room, byBob, levels, name)
      const here = await live(door, room)
      expect(new Set(here.extremities.map(({ eventId }) => eventId))).toEqual(new Set([byBob.eventId, name.eventId]))
      const merged = room.stateAfter([byBob, name])
      const flat = await rawRows<{ event_id: string }>(
        door.db,
        'select e.event_id from current_state s join event e on e.nid = s.event_nid',
      )
      expect(new Set(flat.map((row) => row.event_id))).toEqual(
        new Set([...merged.values()].map(({ eventId }) => eventId)),
      )
      const stored = await loadState(door.db, here.stateNid as number)
      expect(stored).toHaveLength(merged.size)
      // The next event joins the forks, and its state is the resolved one.
      const join = room.message(creator, { after: [byBob, name] })
      await receive(door, room, join)
      expect(here.extremities.map(({ eventId }) => eventId)).toEqual([join.eventId])
      expect(await loadState(door.db, here.stateNid as number)).toHaveLength(merged.size)
    }
  })

  it('end up in the same state in any order and in any portions', async () => {
    const room = RoomBuilder.public('11', creator, { users: { [creator]: 100, [bob]: 100 } })
    room.join(bob)
    const first = await openDoor(await open())
    const second = await openDoor(await open())
    await joinForeign(first, room)
    const joined = room.last
    room.events.pop()
    await joinForeign(second, room)
    // Both know the same join: the builder makes it alike.
    expect(room.last.eventId).toBe(joined.eventId)
    const fork = room.last
    const ours = [room.state('m.room.topic', creator, { topic: 'a' }, { after: [fork] })]
    ours.push(room.member(creator, bob, 'ban', { after: [ours[0] as BuiltEvent] }))
    const theirs = [room.state('m.room.topic', bob, { topic: 'b' }, { after: [fork] })]
    theirs.push(room.state('m.room.name', bob, { name: 'b' }, { after: [theirs[0] as BuiltEvent] }))
    await receive(first, room, ...ours, ...theirs)
    for (const event of [theirs[0], ours[0], theirs[1], ours[1]]) await receive(second, room, event as BuiltEvent)
    const stateOf = async (door: Door) => {
      const rows = await rawRows<{ event_id: string }>(
        door.db,
        'select e.event_id from current_state s join event e on e.nid = s.event_nid order by e.event_id',
      )
      return rows.map((row) => row.event_id)
    }
    expect(await stateOf(first)).toEqual(await stateOf(second))
  })

  it('resolve forks alike where what both rest on comes late, after what was told of a gap', async () => {
    const powers = (ofBob: number) => ({ users: { [creator]: 100, [bob]: ofBob } })
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11', creator, powers(50))
    room.join(bob)
    const joined = await joinForeign(door, room)
    const here = await live(door, room)
    const levels = room.state('m.room.power_levels', creator, powers(60))
    const early = room.state('m.room.topic', creator, { topic: 'early' }, { after: [levels, joined], ts: 1_000 })
    const above = room.state('m.room.power_levels', creator, powers(70), { after: [early] })
    const late = room.state('m.room.topic', bob, { topic: 'late' }, { after: [levels], ts: 2_000 })
    await storeOutliers(door, here, incoming(room, [levels]))
    const row = (await findEvent(door.db, levels.eventId)) as EventRow
    const edit = { event: new StoredEvent(row, here.roomId, here.version), replaces: undefined }
    const beyond = editedView(storedView(here.stateNid), [edit])
    const gaps = new Map([[levels.eventId, beyond]])
    await receiveEvents(door, here.roomId, incoming(room, [early, above]), { gaps })
    await receive(door, room, levels, late)
    expect((await here.stateEvent('m.room.topic', ''))?.eventId).toBe(late.eventId)
    expect(room.stateAfter([above, late]).get(stateKeyOf('m.room.topic', ''))?.eventId).toBe(late.eventId)
  })

  it('leave nobody in the room who joins and, once forks are resolved, has not joined', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11')
    await joinForeign(door, room)
    const fork = room.last
    const join = room.join(bob, { after: [fork] })
    const closed = room.state('m.room.join_rules', creator, { join_rule: 'invite' }, { after: [fork] })
    await receive(door, room, join, closed)
    const members = await rawRows<{ text: string }>(
      door.db,
      `select n.text from membership m join name n on n.nid = m.user_nid where m.membership = 'join' order by n.text`,
    )
    expect(members.map(({ text }) => text)).toEqual([creator, user('alice')].sort())
    const here = await live(door, room)
    expect(await here.membershipOf(bob)).toBeUndefined()
    expect(here.counts.get('join')).toBe(2)
  })

  it('are refused, where that is asked for, once nobody of ours is in the room any more', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public()
    await joinForeign(door, room)
    const { roomId } = await live(door, room)
    await door.append.send(roomId, { draft: { ...joining(user('alice')), content: { membership: 'leave' } } })
    const join = room.join(bob)
    const taken = receiveEvents(door, roomId, incoming(room, [join]), { isWhileThere: true })
    await expect(taken).rejects.toThrow('No such room')
    expect(await findEvent(door.db, join.eventId)).toBeUndefined()
  })

  it('are rejected, or only not shown, by the rules of the place where they stand', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11')
    room.join(bob)
    await joinForeign(door, room)
    const before = room.last
    const powerless = room.make({ type: 'm.room.topic', sender: bob, stateKey: '', content: { topic: 'mine' } })
    room.add(powerless, [before])
    const ban = room.member(creator, bob, 'ban', { after: [before] })
    const late = room.message(bob, { after: [before] })
    const outcomes = await receive(door, room, powerless, ban, late)
    expect(outcomes.get(powerless.eventId)?.is).toBe('rejected')
    expect(outcomes.get(late.eventId)?.is).toBe('softFailed')
    const here = await live(door, room)
    expect(here.extremities.map(({ eventId }) => eventId)).toEqual([ban.eventId])
    expect(await findEvent(door.db, powerless.eventId)).toMatchObject({ kind: EVENT_KIND.rejected, pos: null })
    expect(await findEvent(door.db, late.eventId)).toMatchObject({ kind: EVENT_KIND.softFailed, pos: null })
    // What follows a soft-failed event takes the place of what that followed.
    const next = room.message(creator, { after: [late, ban] })
    await receive(door, room, next)
    expect(here.extremities.map(({ eventId }) => eventId)).toEqual([next.eventId])
  })

  it('wait for what they name', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public()
    await joinForeign(door, room)
    const lost = room.message(creator)
    const next = room.message(creator)
    const outcomes = await receive(door, room, next)
    expect(outcomes.get(next.eventId)).toEqual({ is: 'missing', prev: [lost.eventId], auth: [] })
    expect(await findEvent(door.db, next.eventId)).toBeUndefined()
  })

  it('take nothing away of what the room rested on when we came, whoever sends it again', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11')
    await joinForeign(door, room)
    const here = await live(door, room)
    const levels = room.stateAfter([room.last]).get(stateKeyOf('m.room.power_levels', '')) as BuiltEvent
    // Before it, says a liar, nobody was in the room.
    const gaps = new Map(prevEventIds(levels.pdu).map((id) => [id, storedView(undefined)]))
    const [create] = room.events as [BuiltEvent]
    const again = await receiveEvents(door, here.roomId, incoming(room, [create, levels]), { gaps })
    expect([...again.values()].map(({ is }) => is)).toEqual(['known', 'known'])
    const next = room.state('m.room.topic', creator, { topic: 'budget' })
    expect((await receive(door, room, next)).get(next.eventId)).toEqual({ is: 'accepted' })
  })

  it('spoil nothing where their ids are those of events of other rooms', async () => {
    const door = await openDoor(await open())
    const evil = '@eve:hs3'
    const [first, second] = ['!first:hs1', '!second:hs2'].map((roomId, index) => {
      const room = new RoomBuilder('1')
      room.roomId = roomId
      const owner = index === 0 ? creator : bob
      room.create(owner)
      room.join(owner)
      room.state('m.room.join_rules', owner, { join_rule: 'public' })
      return room
    }) as [RoomBuilder, RoomBuilder]
    for (const room of [first, second]) room.join(evil)
    await joinForeign(door, first)
    const said = first.message(evil)
    await receive(door, first, said)
    await joinForeign(door, second, user('bob'))
    const same = second.message(evil)
    expect(same.eventId).toBe(said.eventId)
    const next = second.message(bob, { after: [second.events.at(-2) as BuiltEvent] })
    const outcomes = await receive(door, second, same, next)
    expect([...outcomes.values()].map(({ is }) => is)).toEqual(['rejected', 'accepted'])
  })

  it('put no state in the place of ours that was told of a gap, once who told it fills the gap', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11')
    room.join(bob)
    await joinForeign(door, room)
    const here = await live(door, room)
    const levels = await here.stateEvent('m.room.power_levels', '')
    const between = room.message(bob)
    const next = room.message(bob)
    const lie = editedView(storedView(here.stateNid), [{ event: undefined, replaces: levels }])
    await receiveEvents(door, here.roomId, incoming(room, [next]), { gaps: new Map([[between.eventId, lie]]) })
    await receive(door, room, between)
    expect((await here.stateEvent('m.room.power_levels', ''))?.eventId).toBe(levels?.eventId)
    const closed = room.make({ type: 'm.room.join_rules', sender: bob, stateKey: '', content: { join_rule: 'invite' } })
    room.add(closed, [room.last])
    await receive(door, room, closed)
    expect((await here.stateEvent('m.room.join_rules', ''))?.eventId).not.toBe(closed.eventId)
  })

  it('leave no end of the room behind where they fill a gap', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11')
    await joinForeign(door, room)
    const here = await live(door, room)
    const topics = ['a', 'b'].map((topic) => room.state('m.room.topic', creator, { topic }))
    const name = room.state('m.room.name', creator, { name: 'ours' })
    const next = room.message(creator)
    await storeOutliers(door, here, incoming(room, [...topics, name]))
    const edits = []
    for (const { eventId } of [...topics, name]) {
      const row = (await findEvent(door.db, eventId)) as EventRow
      edits.push({ event: new StoredEvent(row, here.roomId, here.version), replaces: undefined })
    }
    const gaps = new Map([[name.eventId, editedView(storedView(here.stateNid), edits)]])
    await receiveEvents(door, here.roomId, incoming(room, [next]), { gaps })
    await receive(door, room, ...topics, name)
    expect(here.extremities.map(({ eventId }) => eventId)).toEqual([next.eventId])
  })

  it('tell of the state before a leave that came with a gap and counts for nothing: its sender was there', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11')
    const join = room.join(bob)
    const joined = await joinForeign(door, room)
    const here = await live(door, room)
    const before = storedView(here.stateNid)
    const ban = room.member(creator, bob, 'ban', { after: [joined] })
    await receive(door, room, ban)
    const lost = room.message(bob, { after: [joined] })
    const leave = room.member(bob, bob, 'leave', { after: [lost] })
    await receiveEvents(door, here.roomId, incoming(room, [leave]), { gaps: new Map([[lost.eventId, before]]) })
    const left = (await findEvent(door.db, leave.eventId)) as EventRow
    expect(left.pos).toBeNull()
    const state = await stateBefore(door.db, here, new StoredEvent(left, here.roomId, here.version))
    expect(state).toContain((await findEvent(door.db, join.eventId))?.nid)
    expect(state).not.toContain(left.nid)
  })

  it('go to the others whom they are queued for, also where they change nothing', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('11')
    room.join(bob)
    const joined = await joinForeign(door, room)
    const { roomId } = await live(door, room)
    const again = room.join(bob, { after: [joined], ts: 1_900_000_000_000 })
    const leave = room.member(bob, bob, 'leave', { after: [joined] })
    await receive(door, room, again)
    const woken: string[] = []
    const sender = { wake: (servers: Iterable<string>) => woken.push(...servers) } as unknown as Sender
    const rest = { serverName: SERVER, clock: door.clock, isFrozen: () => false, serversOf: async () => [] }
    const outgoing = new Outgoing({ ...rest, sender, onFailure: () => {} })
    const changes: unknown[] = []
    door.append.onAppended((appended) => {
      changes.push(...appended.changes)
      outgoing.onAppended(appended)
    })
    await receiveEvents(door, roomId, incoming(room, [leave]), { outgoing: { except: 'hs2' } })
    const queued = await rawRows<{ text: string }>(
      door.db,
      'select n.text from outbox_event o join name n on n.nid = o.server_nid join event e on e.nid = o.event_nid where e.event_id = ?',
      [leave.eventId],
    )
    expect(changes).toEqual([])
    expect(queued).toEqual([{ text: 'hs1' }])
    expect(woken).toContain('hs1')
  })

  it('redact what is here, and what comes later', async () => {
    const door = await openDoor(await open())
    const room = RoomBuilder.public('10')
    room.join(bob)
    await joinForeign(door, room)
    const start = room.last
    const shown = room.message(bob)
    await receive(door, room, shown)
    const byOther = room.send({ type: 'm.room.redaction', sender: '@eve:hs3', redacts: shown.eventId })
    const redaction = room.send({ type: 'm.room.redaction', sender: creator, redacts: shown.eventId, after: [shown] })
    await receive(door, room, byOther, redaction)
    expect((await findEvent(door.db, shown.eventId))?.redacted_by_nid).toBeGreaterThan(0)
    const later = room.message(bob, { after: [start] })
    const early = room.send({ type: 'm.room.redaction', sender: bob, redacts: later.eventId, after: [redaction] })
    await receive(door, room, early)
    await receive(door, room, later)
    const row = await findEvent(door.db, later.eventId)
    expect(row?.redacted_by_nid).toBe((await findEvent(door.db, early.eventId))?.nid)
    expect(await rawRows(door.db, 'select * from redaction')).toEqual([])
  })
})
