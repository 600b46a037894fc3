import { expect, it } from 'vitest'
import { stableVersionIds } from '../../../src/room/versions.ts'
import { txnAt } from '../../../src/services/rooms/entry.ts'
import { eventsById } from '../../../src/storage/rooms/events.ts'
import { rawRows } from '../../../src/storage/run.ts'
import { withDatabases } from '../../support/databases.ts'
import { type Door, firstEvents, joining, makeRoom, message, openDoor, user } from '../../support/rooms.ts'

const alice = user('alice')
const bob = user('bob')

withDatabases('append', (open) => {
  it('makes a room in every version, and the room of version 12 is named by its create event', async () => {
    const door = await openDoor(await open())
    for (const version of stableVersionIds()) {
      const roomId = await makeRoom(door, alice, version)
      const room = await door.liveRooms.get(roomId)
      const create = await room.stateEvent('m.room.create', '')
      expect(await room.membershipOf(alice)).toBe('join')
      if (version === '12') expect(roomId).toBe(`!${create?.eventId.slice(1)}`)
      await door.append.send(roomId, { draft: message(alice, version) })
    }
  })

  it('makes no room at all when one of its first events is refused', async () => {
    const door = await openDoor(await open())
    const drafts = [...firstEvents(alice, '11'), { ...message(bob, 'I am not here'), stateKey: '' }]
    const version = (await door.liveRooms.get(await makeRoom(door, alice, '11'))).version
    await expect(door.append.createRoom(version, '!other:example.org', drafts)).rejects.toThrow()
    expect(await door.liveRooms.find('!other:example.org')).toBeUndefined()
    expect(await rawRows(door.db, 'select room_id from room')).toHaveLength(1)
  })

  it('gives one event to a transaction id that is sent twice at once, and again later', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const txn = { deviceNid: 1, pathCrc: 1, txnId: 'a' }
    const send = () => door.append.send(roomId, { draft: message(alice, 'once'), txn })
    const [first, second] = await Promise.all([send(), send()])
    expect(second).toEqual(first)
    expect(await send()).toEqual(first)
    const other = await door.append.send(roomId, { draft: message(alice, 'x'), txn: { ...txn, deviceNid: 2 } })
    expect(other.eventId).not.toBe(first.eventId)
  })

  it('knows a transaction id of which memory knows nothing more, and spoils nothing for others', async () => {
    const db = await open()
    const door = await openDoor(db)
    const [roomId, otherId] = [await makeRoom(door, alice), await makeRoom(door, alice)]
    const txn = { deviceNid: 1, pathCrc: 1, txnId: 'old' }
    const first = await door.append.send(roomId, { draft: message(alice, 'once'), txn })
    for (let i = 0; i < 100; i++) await door.append.send(roomId, { draft: message(alice, `${i}`) })
    const [again, fresh, other] = await Promise.all([
      door.append.send(roomId, { draft: message(alice, 'once'), txn }),
      door.append.send(roomId, { draft: message(alice, 'new'), txn: { ...txn, txnId: 'new' } }),
      door.append.send(otherId, { draft: message(alice, 'elsewhere'), txn }),
    ])
    expect(again).toEqual(first)
    expect(new Set([first.eventId, fresh.eventId, other.eventId]).size).toBe(3)
    expect(await rawRows(db, 'select * from transaction_id')).toHaveLength(3)
  })

  it('takes one transaction id for as many events as it came by paths, then and after a restart', async () => {
    const db = await open()
    const door = await openDoor(db)
    const roomId = await makeRoom(door, alice)
    const secrets = [
      await door.append.send(roomId, { draft: message(alice, 'secret') }),
      await door.append.send(roomId, { draft: message(alice, 'as secret') }),
    ]
    const at = (path: string) => txnAt(path, { deviceNid: 1 }, '1')
    const requests = [
      { draft: message(alice, 'hello'), txn: at('send/m.room.message') },
      { draft: { ...message(alice, 'hello'), type: 'm.sticker' }, txn: at('send/m.sticker') },
      ...secrets.map(({ eventId: redacts }) => ({
        draft: { type: 'm.room.redaction', sender: alice, content: {}, redacts },
        txn: at(`redact/${redacts}`),
      })),
    ]
    const sendAll = ({ append }: Door) => Promise.all(requests.map((request) => append.send(roomId, request)))
    const sent = await sendAll(door)
    expect(new Set(sent.map(({ eventId }) => eventId)).size).toBe(4)
    const room = await door.liveRooms.get(roomId)
    const redacted = room.tail.events.filter((event) => event.row.redacted_by_nid !== null)
    expect(redacted.map(({ eventId }) => eventId)).toEqual(secrets.map(({ eventId }) => eventId))

    expect(await sendAll(door)).toEqual(sent)
    // From what a room in memory begins with, then from the table.
    expect(await sendAll(await openDoor(db))).toEqual(sent)
    for (let i = 0; i < 100; i++) await door.append.send(roomId, { draft: message(alice, `${i}`) })
    expect(await sendAll(await openDoor(db))).toEqual(sent)
  })

  it('refuses one of several that wait together without touching the others', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const results = await Promise.allSettled([
      door.append.send(roomId, { draft: message(alice, 'one') }),
      door.append.send(roomId, { draft: message(bob, 'a stranger') }),
      door.append.send(roomId, { draft: joining(bob) }),
      door.append.send(roomId, { draft: message(bob, 'now a member') }),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    const room = await door.liveRooms.get(roomId)
    expect([...room.localJoined].sort()).toEqual([alice, bob])
    expect(room.counts.get('join')).toBe(2)
  })

  it('makes no event of a state that is already so', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const name = { type: 'm.room.name', sender: alice, stateKey: '', content: { name: '회의실' } }
    const first = await door.append.send(roomId, { draft: name })
    expect(await door.append.send(roomId, { draft: name })).toEqual(first)
  })

  it('refuses a second annotation with the same key until the first is redacted', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    const { eventId } = await door.append.send(roomId, { draft: message(alice, 'hello') })
    const like = (key: string) => ({
      type: 'm.reaction',
      sender: alice,
      content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key } },
    })
    const [first, second] = await Promise.allSettled([
      door.append.send(roomId, { draft: like('👍') }),
      door.append.send(roomId, { draft: like('👍') }),
    ])
    expect(second).toMatchObject({ status: 'rejected', reason: { errcode: 'M_DUPLICATE_ANNOTATION' } })
    await expect(door.append.send(roomId, { draft: like('👍') })).rejects.toMatchObject({
      errcode: 'M_DUPLICATE_ANNOTATION',
    })
    await door.append.send(roomId, { draft: like('👀') })
    const redacts = first.status === 'fulfilled' ? first.value.eventId : ''
    await door.append.send(roomId, { draft: { type: 'm.room.redaction', sender: alice, content: {}, redacts } })
    await door.append.send(roomId, { draft: like('👍') })
    const room = await door.liveRooms.get(roomId)
    const target = room.tail.events.find((event) => event.eventId === eventId)
    expect(target && room.tail.isRelated(target)).toBe(true)
  })

  it('redacts in memory and in the tables, and only what the sender may redact', async () => {
    const door = await openDoor(await open())
    const roomId = await makeRoom(door, alice)
    await door.append.send(roomId, { draft: joining(bob) })
    const { eventId } = await door.append.send(roomId, { draft: message(alice, 'secret') })
    const redaction = (sender: typeof bob) => ({ type: 'm.room.redaction', sender, content: {}, redacts: eventId })
    await expect(door.append.send(roomId, { draft: redaction(bob) })).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' })
    await door.append.send(roomId, { draft: redaction(alice) })
    const room = await door.liveRooms.get(roomId)
    const shown = room.tail.events.find((event) => event.eventId === eventId)
    expect(shown?.visible.content).toEqual({})
    expect((await eventsById(door.db, [eventId]))[0]?.redacted_by_nid).toBe(room.tail.events.at(-1)?.nid)
  })

  it('loads a room as another process would find it', async () => {
    const db = await open()
    const door = await openDoor(db)
    const roomId = await makeRoom(door, alice)
    await door.append.send(roomId, { draft: joining(bob) })
    const txn = { deviceNid: 3, pathCrc: 0xffff_ffff, txnId: 't' }
    const { eventId, pos } = await door.append.send(roomId, { draft: message(alice, 'hello'), txn })
    const other = await openDoor(db)
    const room = await other.liveRooms.get(roomId)
    expect(room.lastPos).toBe(pos)
    expect(other.stream.current).toBe(pos)
    expect(room.extremities.map((event) => event.eventId)).toEqual([eventId])
    expect([...room.localJoined].sort()).toEqual([alice, bob])
    const last = room.tail.events.at(-1)
    expect(last && room.tail.txnOf(last)).toEqual(txn)
    expect(await room.heroes()).toEqual([alice, bob])
  })

  it('lets two processes append to one room', async () => {
    const db = await open()
    const doors = [await openDoor(db), await openDoor(db)]
    const roomId = await makeRoom(doors[0] as (typeof doors)[0], alice)
    const sends = doors.flatMap(({ append }) =>
      Array.from({ length: 10 }, (_, i) => append.send(roomId, { draft: message(alice, `${i}`) })),
    )
    await Promise.all(sends)
    const rows = await rawRows<{ depth: number }>(db, 'select depth from event order by depth')
    expect(rows.map(({ depth }) => depth)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1))
    expect(await rawRows(db, 'select * from extremity')).toHaveLength(1)
  })
})
