import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { joinVia, seen, textsOf, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import type { BuiltEvent } from '../support/room-builder.ts'
import { type Federated, World } from '../support/servers.ts'

interface Setting {
  world: World
  one: Federated
  alice: User
  peer: Peer
  roomId: string
}

/** One of our servers in a room of another one. */
async function joined(version = '11'): Promise<Setting> {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world, 'peer.test', version)
  const { roomId } = peer.room
  await joinVia(alice, roomId, 'peer.test')
  return { world, one, alice, peer, roomId }
}

const say = (peer: Peer, body: string, after?: readonly BuiltEvent[]): BuiltEvent =>
  peer.room.message(peer.creator, { content: { msgtype: 'm.text', body }, ...(after && { after }) })

const idsOf = async (alice: User, roomId: string): Promise<string[]> => {
  const { chunk } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=100`)
  return chunk.map((event: { event_id: string }) => event.event_id)
}

describe('a transaction', () => {
  it('brings what is good in it, whatever else it brings', async () => {
    const { one, alice, peer, roomId } = await joined()
    const good = say(peer, 'good')
    const altered = { ...good.pdu, origin_server_ts: 5 }
    const deep = JSON.parse(`${'{"a":'.repeat(400)}1${'}'.repeat(400)}`)
    const garbage = [null, 7, 'text', [], {}, { room_id: roomId }, { room_id: 4 }, { ...good.pdu, content: deep }]
    const { status, body } = await peer.send(one, [...garbage, altered, { ...good.pdu, depth: 1.5 }, good.pdu])
    expect(status).toBe(200)
    expect(body.pdus[good.eventId]).toEqual({})
    expect(Object.values(body.pdus).filter((result) => (result as { error?: string }).error)).toHaveLength(1)
    expect(await textsOf(alice, roomId)).toContain('good')
  })

  it('counts once, and is answered again', async () => {
    const { one, alice, peer, roomId } = await joined()
    const event = say(peer, 'once')
    const first = await peer.send(one, [event.pdu], { txnId: 'same' })
    const edus = [{ edu_type: 'm.typing', content: { room_id: roomId, user_id: peer.creator, typing: true } }]
    const second = await peer.send(one, [say(peer, 'never read').pdu], { txnId: 'same', edus })
    expect(second.body).toEqual(first.body)
    expect(await textsOf(alice, roomId)).not.toContain('never read')
    expect((await alice.sync()).rooms.join[roomId].ephemeral?.events ?? []).toEqual([])
    await peer.send(one, [event.pdu], { txnId: 'other' })
    expect((await textsOf(alice, roomId)).filter((text) => text === 'once')).toHaveLength(1)
  })

  it('of too much is refused', async () => {
    const { one, peer } = await joined()
    const event = say(peer, 'x')
    expect((await peer.send(one, Array(51).fill(event.pdu))).status).toBe(400)
    expect((await peer.send(one, [], { edus: Array(101).fill({}) })).status).toBe(400)
  })

  it('shows what has another content than was hashed without it', async () => {
    const { one, alice, peer, roomId } = await joined()
    const event = say(peer, 'true')
    await peer.send(one, [{ ...event.pdu, content: { msgtype: 'm.text', body: 'false' } }])
    expect(await idsOf(alice, roomId)).toContain(event.eventId)
    expect(await textsOf(alice, roomId)).not.toContain('false')
  })

  it('does not remember what it could not read', async () => {
    const { one, alice, peer, roomId } = await joined()
    const event = say(peer, 'clean')
    await peer.send(one, [
      { ...event.pdu, type: 7 },
      { ...event.pdu, signatures: {} },
    ])
    expect(await textsOf(alice, roomId)).not.toContain('clean')
    await peer.send(one, [event.pdu])
    expect(await textsOf(alice, roomId)).toContain('clean')
  })

  it('keeps a flood of one server out of the way of others', async () => {
    const { one, alice, peer, roomId } = await joined()
    const events = Array.from({ length: 300 }, (_, i) => say(peer, `f${i}`))
    const flood = Array.from({ length: 6 }, (_, i) =>
      peer.send(one, peer.pdus(events.slice(i * 50, i * 50 + 50)), { txnId: `flood${i}` }),
    )
    let isOver = false
    const own = alice.send(roomId, 'in between').then(() => isOver)
    const answers = await Promise.all(flood)
    expect(answers.map(({ status }) => status).every((status) => status === 200 || status === 429)).toBe(true)
    isOver = true
    expect(await own).toBe(false)
  })
})

describe('what is missing', () => {
  it('is fetched, and comes in order, without asking for state', async () => {
    const { one, alice, peer, roomId } = await joined()
    for (let i = 0; i < 45; i++) say(peer, `gap${i}`)
    const last = say(peer, 'last')
    await peer.send(one, [last.pdu])
    await seen(alice, roomId, 'last')
    const texts = (await textsOf(alice, roomId)).filter((text) => text.startsWith('gap')).reverse()
    expect(texts).toEqual(Array.from({ length: 45 }, (_, i) => `gap${i}`))
    expect(peer.asked.filter((path) => path.includes('/state'))).toEqual([])
  })

  it('is stepped over where nobody gives it: by the state there', async () => {
    const { one, alice, peer, roomId } = await joined()
    const lost = say(peer, 'lost')
    const topic = peer.room.state('m.room.topic', peer.creator, { topic: 'new' })
    const after = say(peer, 'after')
    peer.forgotten.add(lost.eventId)
    await peer.send(one, [after.pdu])
    // The event before the gap is there, the one in it is not: nothing can be said yet.
    await until(
      async () => peer.asked,
      (asked) => asked.some((path) => path.includes('/state_ids/')),
    )
    expect(await textsOf(alice, roomId)).not.toContain('after')
    peer.forgotten.delete(lost.eventId)
    // It comes by itself, and what waited for it comes too.
    await peer.send(one, [lost.pdu, topic.pdu])
    const { clock } = one
    await until(
      async () => {
        clock.advance(1_000)
        return textsOf(alice, roomId)
      },
      (texts) => texts.includes('after'),
    )
    expect((await alice.get(`${roomPath(roomId)}/state/m.room.topic`)).topic).toBe('new')
  })

  it('is looked for again after a restart', async () => {
    const { one, alice, peer, roomId } = await joined()
    const lost = say(peer, 'lost')
    const after = say(peer, 'after')
    peer.forgotten.add(lost.eventId)
    await peer.send(one, [after.pdu])
    await until(
      async () => peer.asked,
      (asked) => asked.some((path) => path.includes('/state_ids/')),
    )
    const again = await one.restart()
    peer.forgotten.clear()
    again.clock.advance(120_000)
    const user = await again.client.login('alice')
    await seen(user, roomId, 'after')
    expect(await textsOf(user, roomId)).toContain('lost')
    expect(alice.userId).toBe(user.userId)
  })

  it('in the auth chain is fetched too, and what rests on a lie is not taken', async () => {
    const { one, alice, peer, roomId } = await joined()
    // Nobody has seen dave join.
    const dave = '@dave:peer.test'
    const join = peer.room.join(dave)
    const hello = peer.room.message(dave, { content: { msgtype: 'm.text', body: 'hello from dave' } })
    await peer.send(one, [hello.pdu])
    await seen(alice, roomId, 'hello from dave')
    expect(await idsOf(alice, roomId)).toContain(join.eventId)
    const eve = '@eve:peer.test'
    const sneaked = peer.room.message(eve, { content: { msgtype: 'm.text', body: 'sneaked in' } })
    await peer.send(one, [sneaked.pdu])
    expect(await textsOf(alice, roomId)).not.toContain('sneaked in')
  })

  it('of many ends of the room are few kept: they are merged', async () => {
    const { one, alice, peer, roomId } = await joined()
    const start = peer.room.last
    const ends = Array.from({ length: 40 }, (_, i) => say(peer, `end${i}`, [start]))
    await peer.send(one, peer.pdus(ends))
    const room = await one.server.services.liveRooms.get(roomId)
    expect(room.extremities.length).toBeLessThanOrEqual(10)
    expect((await textsOf(alice, roomId)).filter((text) => text.startsWith('end'))).toHaveLength(40)
  })
})
