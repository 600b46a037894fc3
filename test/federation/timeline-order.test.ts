import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { joinVia, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import type { BuiltEvent } from '../support/room-builder.ts'
import { World } from '../support/servers.ts'
import { SlidingClient, textsOf } from '../support/sliding.ts'
import { filter, stateOf, timelineOf } from '../support/sync.ts'

async function joined() {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { roomId } = peer.room
  await joinVia(alice, roomId, 'peer.test')
  return { world, one, alice, peer, roomId, join: peer.room.last }
}

const say = (peer: Peer, body: string, after: readonly BuiltEvent[]): BuiltEvent =>
  peer.room.message(peer.creator, { content: { msgtype: 'm.text', body }, after })

/** Messages that follow one another. */
function conversation(peer: Peer, bodies: readonly string[], after: BuiltEvent): BuiltEvent[] {
  let last = after
  return bodies.map((body) => {
    last = say(peer, body, [last])
    return last
  })
}

const newest = (limit: number) => filter({ room: { timeline: { limit } } })
const slidingOf = (user: User) => new SlidingClient(user, { lists: { all: { timeline_limit: 2, required_state: [] } } })

describe('a fork that comes late', () => {
  it('does not stand for the end of the room in a first sync, and its state is told all the same', async () => {
    const { one, alice, peer, roomId, join } = await joined()
    const topic = peer.room.state('m.room.topic', peer.creator, { topic: 'late' }, { after: [join] })
    const talk = conversation(peer, ['m1', 'm2', 'm3'], join)
    await peer.send(one, peer.pdus(talk))
    await peer.send(one, peer.pdus([topic]))
    const room = (await alice.sync(newest(2))).rooms.join[roomId]
    const inList = (await slidingOf(alice).sync()).rooms[roomId]
    expect(timelineOf(room)).toEqual(['m2', 'm3'])
    expect(textsOf(inList)).toEqual(['m2', 'm3'])
    expect(stateOf(room.state)).toContain('m.room.topic')
    for (const prevBatch of [room.timeline.prev_batch, inList.prev_batch]) {
      const { chunk } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=2&from=${prevBatch}`)
      expect(timelineOf({ timeline: { events: chunk } })).toEqual(['m.room.topic', 'm1'])
    }
  })

  it('hides nothing from who scrolls back from where it was told', async () => {
    const { one, alice, peer, roomId, join } = await joined()
    const sliding = slidingOf(alice)
    await alice.sync()
    await sliding.sync()
    const late = say(peer, 'late', [join])
    const talk = conversation(peer, ['m1', 'm2', 'm3', 'm4'], join)
    await peer.send(one, peer.pdus(talk))
    await peer.send(one, peer.pdus([late]))
    await peer.send(one, peer.pdus([say(peer, 'm5', [late, ...talk.slice(-1)])]))
    const { timeline } = (await alice.sync(newest(2))).rooms.join[roomId]
    const inList = (await sliding.sync()).rooms[roomId]
    expect(timelineOf({ timeline })).toEqual(['late', 'm5'])
    expect(textsOf(inList)).toEqual(['late', 'm5'])
    for (const prevBatch of [timeline.prev_batch, inList.prev_batch]) {
      const { chunk } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=4&from=${prevBatch}`)
      expect(timelineOf({ timeline: { events: chunk } })).toEqual(['m4', 'm3', 'm2', 'm1'])
    }
  })
})

it('begins a timeline anew behind a gap, also once that was filled', async () => {
  const { world, one, alice, peer, roomId, join } = await joined()
  const bob = await one.client.register('bob')
  await bob.join(roomId)
  const { next_batch: since } = await alice.sync()
  await alice.send(roomId, 'before the gap')
  const talk = conversation(peer, ['m1', 'm2', 'm3', 'm4', 'm5'], join)
  const missing = `POST /_matrix/federation/v1/get_missing_events/${encodeURIComponent(roomId)}`
  peer.fake.answers.set(missing, () => ({ body: { events: peer.pdus(talk.slice(3, 4)) } }))
  await peer.send(one, peer.pdus(talk.slice(-1)))
  const roomOf = async (user: User) => (await user.sync({ since })).rooms?.join?.[roomId]
  const here = await until(
    async () => {
      world.clock.advance(60_000)
      return roomOf(alice)
    },
    (room) => room !== undefined && timelineOf(room).includes('m5'),
  )
  expect(here.timeline.limited).toBe(true)
  expect(timelineOf(here)).not.toContain('before the gap')
  expect(timelineOf(here)).not.toContain('m3')
  peer.fake.answers.delete(missing)
  const { chunk } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=20&from=${here.timeline.prev_batch}`)
  expect(timelineOf({ timeline: { events: chunk } })).toEqual(
    expect.arrayContaining(['m3', 'm2', 'm1', 'before the gap']),
  )
  const there = await roomOf(bob)
  expect(there.timeline.limited).toBe(true)
  expect(timelineOf(there)).not.toContain('before the gap')
})
