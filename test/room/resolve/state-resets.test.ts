import { describe, expect, it } from 'vitest'
import { RoomBuilder } from '../../support/room-builder.ts'
import { at, stateOfEvents } from '../../support/room-state.ts'

const alice = '@alice:hs1'
const bob = '@bob:hs2'
const charlie = '@charlie:hs3'
const named = (displayname: string) => ({ content: { membership: 'join', displayname } })

/** The two problems of MSC4297 that version 12 solves: states in which entries have been lost or reset. */
describe('State resets', () => {
  /** Everybody who could set join rules has left; two servers disagree on which were the last. */
  function leftBehind(version: string) {
    const room = RoomBuilder.public(version, alice)
    const [create, , levels, open] = room.events
    if (!create || !levels || !open) throw new Error('A public room has those')
    const bobJoined = room.join(bob)
    const charlieJoined = room.join(charlie)
    const closed = room.state('m.room.join_rules', alice, { join_rule: 'invite' })
    const aliceLeft = room.member(alice, alice, 'leave')
    const bobNamed = room.member(bob, bob, 'join', named('Bob'))
    const charlieNamed = room.member(charlie, charlie, 'join', { ...named('Charlie'), after: [aliceLeft] })
    const states = [
      stateOfEvents(create, levels, charlieJoined, closed, aliceLeft, bobNamed),
      stateOfEvents(create, levels, bobJoined, open, aliceLeft, charlieNamed),
    ]
    return { room, states, closed, bobNamed, charlieNamed }
  }

  it('before version 12 lose the join rules of whoever has left since', () => {
    const { room, states, bobNamed, charlieNamed } = leftBehind('11')
    const state = room.resolve(states)
    expect(at(state, 'm.room.join_rules')).toBeUndefined()
    expect(at(state, 'm.room.member', bob)).toBe(bobNamed)
    expect(at(state, 'm.room.member', charlie)).toBe(charlieNamed)
  })

  it('do not lose them in version 12, where the checks start from an empty state', () => {
    const { room, states, closed, bobNamed, charlieNamed } = leftBehind('12')
    const state = room.resolve(states)
    expect(at(state, 'm.room.join_rules')).toBe(closed)
    expect(at(state, 'm.room.member', bob)).toBe(bobNamed)
    expect(at(state, 'm.room.member', charlie)).toBe(charlieNamed)
  })

  /** One fork has lost two changes of the power levels, the second of which rests on the first. */
  function forgottenLevels(version: string) {
    const room = RoomBuilder.public(version, alice)
    const users = room.version.privilegedCreators ? {} : { [alice]: 100 }
    const [create, aliceJoined, first, open] = room.events
    if (!create || !aliceJoined || !first || !open) throw new Error('A public room has those')
    const members = [aliceJoined, room.join(bob), room.join(charlie)]
    room.state('m.room.power_levels', alice, { users: { ...users, [bob]: 50 } })
    const third = room.state('m.room.power_levels', bob, { users: { ...users, [bob]: 50, [charlie]: 50 } })
    const zara = room.join('@zara:hs4')
    const eveJoined = room.join('@eve:hs5', { after: [third] })
    const eveNamed = room.member('@eve:hs5', '@eve:hs5', 'join', { ...named('Eve'), after: [eveJoined] })
    const states = [
      stateOfEvents(create, open, ...members, first, eveNamed),
      stateOfEvents(create, open, ...members, third, zara),
    ]
    return { room, states, first, third }
  }

  it('before version 12 reset power levels when a change between them is in neither state', () => {
    const { room, states, first } = forgottenLevels('11')
    expect(at(room.resolve(states), 'm.room.power_levels')).toBe(first)
  })

  it('do not in version 12, where the subgraph between conflicted events is looked at', () => {
    const { room, states, third } = forgottenLevels('12')
    expect(at(room.resolve(states), 'm.room.power_levels')).toBe(third)
  })
})
