import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'
import { SlidingClient } from '../support/sliding.ts'
import { filter } from '../support/sync.ts'

/** What the room says after bob has left: no answer to him may have it. */
const SECRET = 'beaconfire'
const ALL_STATE = { timeline_limit: 1, required_state: [['*', '*']] }

/** Bob leaves a room, in which then a secret is told by the topic and the name. */
async function departure() {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const join_rules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }
  const roomId = await alice.createRoom({ invite: [bob.userId, carol.userId], initial_state: [join_rules] })
  await bob.join(roomId)
  await bob.sync()
  const sliding = new SlidingClient(bob, { lists: { all: { ranges: [[0, 9]], ...ALL_STATE } } })
  await sliding.sync()
  await bob.leave(roomId)
  await alice.sendState(roomId, 'm.room.topic', { topic: SECRET })
  await alice.sendState(roomId, 'm.room.name', { name: SECRET })
  return { alice, bob, carol, roomId, sliding }
}

type Act = (alice: User, bob: User, roomId: string) => Promise<unknown>
const ban: Act = (alice, bob, roomId) => alice.post(`${roomPath(roomId)}/ban`, { user_id: bob.userId })
const invite: Act = (alice, bob, roomId) => alice.invite(roomId, bob.userId)
const knock: Act = (_, bob, roomId) => bob.post(`/v3/knock/${encodeURIComponent(roomId)}`)
const reject: Act = async (alice, bob, roomId) => {
  await invite(alice, bob, roomId)
  await bob.leave(roomId)
}

const textOf = (answer: unknown): string => JSON.stringify(answer)
const membershipPath = (roomId: string, { userId }: User) =>
  `${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(userId)}?format=event`

describe.each([
  ['was banned', ban, 'ban'],
  ['has rejected an invite', reject, 'leave'],
] as const)('who has left a room and since %s', (_, act, membership) => {
  it('is told by /sync how they stand to it, and nothing of what it has become', async () => {
    const { alice, bob, roomId } = await departure()
    await act(alice, bob, roomId)
    const archived = (room: object) => ({ since: '', ...filter({ room: { include_leave: true, ...room } }) })
    const answers = [
      await bob.sync(),
      await bob.sync(archived({ timeline: { limit: 1 } })),
      await bob.sync(archived({ timeline: { not_types: ['m.room.member'] } })),
      await bob.sync({ use_state_after: 'true', ...archived({}) }),
    ]
    for (const answer of answers) {
      const { timeline, state, state_after: after } = answer.rooms.leave[roomId]
      expect(textOf(answer)).not.toContain(SECRET)
      const own = [...timeline.events, ...(state ?? after).events].filter(({ state_key }) => state_key === bob.userId)
      expect(own.map(({ content }) => content.membership)).toContain(membership)
    }
  })

  it('is told no more by sliding sync, nor by its filters', async () => {
    const { alice, bob, roomId, sliding } = await departure()
    await act(alice, bob, roomId)
    const told = await sliding.sync()
    const anew = await new SlidingClient(bob, { room_subscriptions: { [roomId]: ALL_STATE } }).sync()
    for (const answer of [told, anew]) {
      const { required_state: state } = answer.rooms[roomId]
      expect(textOf(answer)).not.toContain(SECRET)
      const own = state.filter(({ state_key }: { state_key: string }) => state_key === bob.userId)
      expect(own.map(({ content }: { content: object }) => content)).toEqual([expect.objectContaining({ membership })])
    }
    const named = { ...ALL_STATE, ranges: [[0, 9]], filters: { room_name_like: SECRET } }
    expect((await new SlidingClient(bob, { lists: { named } }).sync()).lists.named.count).toBe(0)
  })
})

it('who has left is not told by sliding sync who is in the room since, nor how many', async () => {
  const { bob, carol, roomId } = await departure()
  const look = async () => {
    const config = { timeline_limit: 0, required_state: [] }
    return (await new SlidingClient(bob, { room_subscriptions: { [roomId]: config } }).sync()).rooms[roomId]
  }
  const before = await look()
  await carol.join(roomId)
  expect(await look()).toEqual(before)
  expect(before.heroes.map(({ user_id }: { user_id: string }) => user_id)).toEqual(['@alice:example.org', carol.userId])
})

it.each([
  ['ban', ban],
  ['invite', invite],
  ['knock', knock],
])('who has left is not shown the state around the %s that came later', async (_, act) => {
  const { alice, bob, roomId } = await departure()
  await act(alice, bob, roomId)
  const { event_id } = await alice.get(membershipPath(roomId, bob))
  const context = await bob.get(`${roomPath(roomId)}/context/${event_id}?limit=0`)
  expect(context.event.event_id).toBe(event_id)
  expect(textOf(context)).not.toContain(SECRET)
})

it('who has left is told the event nearest to a time, however much has happened since', async () => {
  const { alice, bob, roomId } = await departure()
  const path = `/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?ts=4000000000000&dir=b`
  const before = await bob.get(path)
  for (let index = 0; index < 101; index++) await alice.send(roomId, SECRET)
  expect(await bob.get(path)).toEqual(before)
})
