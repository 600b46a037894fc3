import { describe, expect, it } from 'vitest'
import { RoomBuilder } from '../../support/room-builder.ts'
import { at, summary } from '../../support/room-state.ts'

const alice = '@alice:hs1'
const mod = '@mod:hs1'
const bob = '@bob:hs2'
const carol = '@carol:hs3'

/** A public room of Alice's with a moderator (50) and Bob. */
function moderated(version: string) {
  const room = RoomBuilder.public(version, alice)
  room.join(mod)
  room.join(bob)
  const users = { ...(room.version.privilegedCreators ? {} : { [alice]: 100 }), [mod]: 50 }
  const levels = room.state('m.room.power_levels', alice, { users })
  return { room, users, levels, fork: [room.last] }
}

describe.each(['2', '6', '10', '11', '12'])('State resolution in version %s', (version) => {
  it('keeps what does not conflict, on both sides', () => {
    const { room, fork } = moderated(version)
    const left = room.join(carol, { after: fork })
    const right = room.join('@dave:hs4', { after: fork })
    const state = room.stateAfter([left, right])
    expect(at(state, 'm.room.member', carol)).toBe(left)
    expect(at(state, 'm.room.member', '@dave:hs4')).toBe(right)
  })

  it('takes the ban, not what the banned did meanwhile to the power levels', () => {
    const { room, users, levels, fork } = moderated(version)
    const ban = room.member(alice, mod, 'ban', { after: fork })
    const seized = room.state('m.room.power_levels', mod, { users: { ...users, [bob]: 50 } }, { after: fork })
    const state = room.stateAfter([seized, ban])
    expect(at(state, 'm.room.member', mod)).toBe(ban)
    expect(at(state, 'm.room.power_levels')).toBe(levels)
  })

  it('takes what the banned did if the ban came from someone with less power', () => {
    const { room, users, fork } = moderated(version)
    const ban = room.member(mod, bob, 'ban', { after: fork })
    const demoted = room.state('m.room.power_levels', alice, { users: { ...users, [mod]: 0 } }, { after: fork })
    const state = room.stateAfter([ban, demoted])
    expect(at(state, 'm.room.power_levels')).toBe(demoted)
    expect(at(state, 'm.room.member', bob)?.pdu.content.membership).toBe('join')
  })

  it('takes the power levels, not the topic of the user who lost the power to set it', () => {
    const { room, users } = moderated(version)
    const before = room.state('m.room.topic', alice, { topic: 'before' })
    const demoted = room.state('m.room.power_levels', alice, { users: { ...users, [mod]: 0 } }, { after: [before] })
    const meanwhile = room.state('m.room.topic', mod, { topic: 'meanwhile' }, { after: [before] })
    const state = room.stateAfter([meanwhile, demoted])
    expect(at(state, 'm.room.topic')).toBe(before)
    expect(at(state, 'm.room.power_levels')).toBe(demoted)
  })

  it('takes the topic that was sent later', () => {
    const { room, fork } = moderated(version)
    const later = room.state('m.room.topic', mod, { topic: 'later' }, { after: fork, ts: 2000 })
    const earlier = room.state('m.room.topic', alice, { topic: 'earlier' }, { after: fork, ts: 1000 })
    expect(at(room.stateAfter([later, earlier]), 'm.room.topic')).toBe(later)
    expect(at(room.stateAfter([earlier, later]), 'm.room.topic')).toBe(later)
  })

  it('takes the topic with the greater event id of those sent at the same time', () => {
    const { room, fork } = moderated(version)
    const topics = ['one', 'two', 'three'].map((topic) =>
      room.state('m.room.topic', mod, { topic }, { after: fork, ts: 1000 }),
    )
    const greatest = topics.toSorted((one, other) => (one.eventId < other.eventId ? -1 : 1)).at(-1)
    expect(at(room.stateAfter(topics), 'm.room.topic')).toBe(greatest)
  })

  it('takes the topic that was sent under the newer power levels, even if it was sent earlier', () => {
    const { room, users, fork } = moderated(version)
    const older = room.state('m.room.topic', mod, { topic: 'older' }, { after: fork, ts: 9000 })
    const newLevels = room.state('m.room.power_levels', alice, { users, redact: 20 }, { after: fork })
    const newer = room.state('m.room.topic', mod, { topic: 'newer' }, { after: [newLevels], ts: 1000 })
    const state = room.stateAfter([older, newer])
    expect(at(state, 'm.room.power_levels')).toBe(newLevels)
    expect(at(state, 'm.room.topic')).toBe(newer)
  })

  it('orders topics under the same power levels of the mainline by time', () => {
    const { room, users, fork } = moderated(version)
    const side = room.state('m.room.power_levels', alice, { users, kick: 20 }, { after: fork })
    const ofSide = room.state('m.room.topic', mod, { topic: 'side' }, { after: [side], ts: 1000 })
    const main = room.state('m.room.power_levels', alice, { users, kick: 30 }, { after: fork })
    const ofFork = room.state('m.room.topic', mod, { topic: 'fork' }, { after: fork, ts: 2000 })
    const state = room.stateAfter([ofSide, main, ofFork])
    // The later of two power levels wins; `side` is not on its mainline, what they both rest on is.
    expect(at(state, 'm.room.power_levels')).toBe(main)
    expect(at(state, 'm.room.topic')).toBe(ofFork)
  })

  it('gives concurrent power levels to who has more power', () => {
    const { room, users, fork } = moderated(version)
    const byMod = room.state('m.room.power_levels', mod, { users: { ...users, [bob]: 50 } }, { after: fork })
    const byAlice = room.state('m.room.power_levels', alice, { users: { ...users, [mod]: 0 } }, { after: fork })
    expect(at(room.stateAfter([byAlice, byMod]), 'm.room.power_levels')).toBe(byAlice)
  })

  it('drops a join of a room that was closed meanwhile', () => {
    const { room, fork } = moderated(version)
    const closed = room.state('m.room.join_rules', alice, { join_rule: 'invite' }, { after: fork })
    const joined = room.join(carol, { after: fork })
    const state = room.stateAfter([closed, joined])
    expect(at(state, 'm.room.join_rules')).toBe(closed)
    expect(at(state, 'm.room.member', carol)).toBeUndefined()
  })

  it('resolves more forks at once than an integer has bits', () => {
    const { room, fork } = moderated(version)
    const tips = Array.from({ length: 40 }, (_, i) => room.join(`@user${i}:hs2`, { after: fork }))
    const topic = room.state('m.room.topic', mod, { topic: 'many' }, { after: fork })
    const state = room.stateAfter([...tips, topic])
    expect(tips.every((tip) => at(state, 'm.room.member', tip.pdu.sender) === tip)).toBe(true)
    expect(at(state, 'm.room.topic')).toBe(topic)
  })

  it('never admits a rejected event', () => {
    const { room, fork } = moderated(version)
    const good = room.state('m.room.topic', mod, { topic: 'good' }, { after: fork, ts: 1000 })
    const bad = room.state('m.room.topic', mod, { topic: 'bad' }, { after: fork, ts: 2000 })
    Object.assign(bad, { rejected: true })
    expect(at(room.stateAfter([good, bad]), 'm.room.topic')).toBe(good)
  })
})

describe('A whole quarrel', () => {
  it.each(['10', '12'])('comes out like this in version %s', (version) => {
    const { room, users, fork } = moderated(version)
    const kick = room.member(mod, bob, 'leave', { after: fork })
    const name = room.state('m.room.name', mod, { name: 'Ours' }, { after: [kick] })
    const ban = room.member(alice, mod, 'ban', { after: fork })
    const closed = room.state('m.room.join_rules', alice, { join_rule: 'knock' }, { after: [ban] })
    const levels = room.state('m.room.power_levels', alice, { users, ban: 90 }, { after: [closed] })
    const renamed = room.member(bob, bob, 'join', { content: { membership: 'join', displayname: 'Bob' }, after: fork })
    expect(summary(room.stateAfter([name, levels, renamed]))).toMatchSnapshot()
  })
})
