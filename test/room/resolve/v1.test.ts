import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { type BuiltEvent, RoomBuilder } from '../../support/room-builder.ts'
import { at, stateOfEvents } from '../../support/room-state.ts'

const alice = '@alice:hs1'
const mod = '@mod:hs1'
const bob = '@bob:hs2'

function moderated() {
  const room = RoomBuilder.public('1', alice)
  room.join(mod)
  room.join(bob)
  const users = { [alice]: 100, [mod]: 50 }
  const levels = room.state('m.room.power_levels', alice, { users })
  return { room, users, levels, fork: [levels] }
}

const bySha1 = (events: BuiltEvent[]) => {
  const sha1 = ({ eventId }: BuiltEvent) => createHash('sha1').update(eventId).digest('hex')
  return events.toSorted((one, other) => (sha1(one) < sha1(other) ? -1 : 1))
}

it('takes the deepest of the topics that are allowed, whenever it was sent', () => {
  const { room, fork } = moderated()
  const message = room.message(bob, { after: fork })
  const deep = room.state('m.room.topic', mod, { topic: 'deep' }, { after: [message], ts: 1 })
  const shallow = room.state('m.room.topic', alice, { topic: 'shallow' }, { after: fork })
  const forbidden = room.state('m.room.topic', bob, { topic: 'no' }, { after: [message, shallow] })
  expect(at(room.stateAfter([deep, shallow, forbidden]), 'm.room.topic')).toBe(deep)
})

it('takes the least deep topic if none is allowed', () => {
  const { room, fork } = moderated()
  const shallow = room.state('m.room.topic', bob, { topic: 'shallow' }, { after: fork })
  const message = room.message(bob, { after: fork })
  const deep = room.state('m.room.topic', bob, { topic: 'deep' }, { after: [message] })
  expect(at(room.stateAfter([deep, shallow]), 'm.room.topic')).toBe(shallow)
})

it('takes the topic whose id has the smallest SHA-1 of those that are equally deep', () => {
  const { room, fork } = moderated()
  const topics = ['one', 'two', 'three', 'four'].map((topic) =>
    room.state('m.room.topic', mod, { topic }, { after: fork }),
  )
  expect(at(room.stateAfter(topics), 'm.room.topic')).toBe(bySha1(topics)[0])
})

it('lets each power levels event decide on the next deeper one, and stops at the first that is refused', () => {
  const { room, users, fork } = moderated()
  const demoted = room.state('m.room.power_levels', alice, { users: { [alice]: 100, [mod]: 0 } }, { after: fork })
  const left = room.message(mod, { after: fork })
  const byMod = room.state(
    'm.room.power_levels',
    mod,
    { users, ban: 40 },
    { after: [room.message(mod, { after: [left] })] },
  )
  const byAlice = room.state('m.room.power_levels', alice, { users, ban: 30 }, { after: [byMod] })
  expect(
    at(room.resolve([demoted, byAlice, byMod].map((event) => room.stateAfter([event]))), 'm.room.power_levels'),
  ).toBe(demoted)
})

it('lets the deepest power levels win where each allows the next', () => {
  const { room, users, fork } = moderated()
  const shallow = room.state('m.room.power_levels', alice, { users, ban: 10 }, { after: fork })
  const deep = room.state(
    'm.room.power_levels',
    mod,
    { users, ban: 20 },
    { after: [room.message(bob, { after: fork })] },
  )
  expect(at(room.stateAfter([shallow, deep]), 'm.room.power_levels')).toBe(deep)
})

it('decides on memberships by the join rules that it has decided on', () => {
  const { room, fork } = moderated()
  const closed = room.state(
    'm.room.join_rules',
    alice,
    { join_rule: 'invite' },
    { after: [room.message(bob, { after: fork })] },
  )
  const left = room.member('@carol:hs3', '@carol:hs3', 'leave', { after: fork })
  const joined = room.join('@carol:hs3', { after: [room.message(bob, { after: [left] })] })
  const open = room.state('m.room.join_rules', mod, { join_rule: 'public' }, { after: fork })
  const state = room.resolve([room.stateAfter([closed, left]), room.stateAfter([open, joined])])
  expect(at(state, 'm.room.join_rules')).toBe(closed)
  expect(at(state, 'm.room.member', '@carol:hs3')).toBe(left)
})

it('takes an entry that only some forks have as it is', () => {
  const { room, fork } = moderated()
  const topic = room.state('m.room.topic', bob, { topic: 'not allowed, not asked' }, { after: fork })
  const name = room.state('m.room.name', mod, { name: 'name' }, { after: fork })
  const state = room.stateAfter([topic, name])
  expect(at(state, 'm.room.topic')).toBe(topic)
  expect(at(state, 'm.room.name')).toBe(name)
})

it('does not depend on the order of the forks', () => {
  const { room, fork } = moderated()
  const kick = room.member(mod, bob, 'leave', { after: fork })
  const levels = room.state('m.room.power_levels', alice, { users: { [alice]: 100 } }, { after: fork })
  const topic = room.state('m.room.topic', mod, { topic: 'topic' }, { after: [kick] })
  const states = [kick, levels, topic].map((event) => room.stateAfter([event]))
  const entries = [states, states.toReversed()].map((order) => stateOfEvents(...room.resolve(order).values()))
  expect(entries[0]?.size).toBeGreaterThan(5)
  for (const [key, event] of entries[0] ?? []) expect(entries[1]?.get(key)).toBe(event)
})
