import { describe, expect, it } from 'vitest'
import { describeRules, eventOf, member, since, verdictOn, type World } from '../../support/auth-rules.ts'

const carol = '@carol:c'
const CANNOT_INVITE = 'The sender may not invite'
const CANNOT_REMOVE = 'The sender may not remove this user'
const CANNOT_BAN = 'The sender may not ban this user'
const NOT_IN_ROOM = 'The sender is not in the room'
const users = (levels: Record<string, number>) => ({ kick: 40, ban: 50, users: { '@mod:a': 50, ...levels } })

describeRules('Inviting', [
  { rule: '5.4.2', says: 'only members invite', event: member(carol, 'invite', '@dave:a'), refused: NOT_IN_ROOM },
  {
    rule: '5.4.3',
    says: 'members are not invited',
    event: member('@bob:b', 'invite', '@mod:a'),
    refused: 'The user is in the room already',
  },
  {
    rule: '5.4.3',
    says: 'the banned are not invited',
    event: member(carol, 'invite', '@mod:a'),
    world: { members: { [carol]: 'ban' } },
    refused: 'The user is banned',
  },
  { rule: '5.4.4', says: 'who has the power invites', event: member(carol, 'invite', '@mod:a') },
  {
    rule: '5.4.4',
    says: 'who knocks may be invited',
    event: member(carol, 'invite', '@mod:a'),
    world: { members: { [carol]: 'knock' } },
  },
  {
    rule: '5.4.4',
    says: 'exactly the invite level suffices',
    event: member(carol, 'invite', '@mod:a'),
    world: { levels: { ...users({}), invite: 50 } },
  },
  {
    rule: '5.4.4',
    says: 'everyone invites by default',
    event: member(carol, 'invite', '@bob:b'),
    world: { levels: {} },
  },
  { rule: '5.4.5', says: 'others do not', event: member(carol, 'invite', '@bob:b'), refused: CANNOT_INVITE },
])

describeRules('Leaving', [
  { rule: '5.5.1', says: 'a member leaves', event: member('@bob:b', 'leave') },
  {
    rule: '5.5.1',
    says: 'an invite is refused',
    event: member(carol, 'leave'),
    world: { members: { [carol]: 'invite' } },
  },
  {
    rule: '5.5.1',
    says: 'a knock is taken back, since version 7',
    event: member(carol, 'leave'),
    world: { members: { [carol]: 'knock' } },
    allowedIn: since(7),
    refused: 'The user is not in the room',
  },
  {
    rule: '5.5.1',
    says: 'a stranger has nothing to leave',
    event: member(carol, 'leave'),
    refused: 'The user is not in the room',
  },
  {
    rule: '5.5.1',
    says: 'nobody lifts their own ban',
    event: member('@bob:b', 'leave'),
    world: { members: { '@bob:b': 'ban' } },
    refused: 'The user is not in the room',
  },
])

describeRules('Kicking', [
  { rule: '5.5.2', says: 'only members kick', event: member('@bob:b', 'leave', '@dave:a'), refused: NOT_IN_ROOM },
  { rule: '5.5.4', says: 'who has the power kicks', event: member('@bob:b', 'leave', '@mod:a') },
  {
    rule: '5.5.4',
    says: 'an invite is withdrawn',
    event: member(carol, 'leave', '@mod:a'),
    world: { members: { [carol]: 'invite' } },
  },
  {
    rule: '5.5.5',
    says: 'who has too little does not',
    event: member('@mod:a', 'leave', '@bob:b'),
    refused: CANNOT_REMOVE,
  },
  {
    rule: '5.5.5',
    says: 'nobody kicks an equal',
    event: member('@bob:b', 'leave', '@mod:a'),
    world: { levels: users({ '@bob:b': 50 }) },
    refused: CANNOT_REMOVE,
  },
  {
    rule: '5.5.5',
    says: 'power over someone is not yet the power to kick',
    event: member('@bob:b', 'leave', '@mod:a'),
    world: { levels: { ...users({}), kick: 51 } },
    refused: CANNOT_REMOVE,
  },
  {
    rule: '5.5.5',
    says: 'nobody kicks the creator',
    event: member('@alice:a', 'leave', '@mod:a'),
    refused: CANNOT_REMOVE,
  },
  {
    rule: '5.5.5',
    says: 'a creator of version 12 cannot be kicked whatever the power',
    event: member('@alice:a', 'leave', '@mod:a'),
    world: { levels: users({ '@mod:a': 1000 }) },
    allowedIn: since(1).filter((id) => id !== '12'),
    refused: CANNOT_REMOVE,
  },
])

describeRules('Banning', [
  { rule: '5.6.1', says: 'only members ban', event: member('@bob:b', 'ban', '@dave:a'), refused: NOT_IN_ROOM },
  { rule: '5.6.2', says: 'who has the power bans', event: member('@bob:b', 'ban', '@mod:a') },
  { rule: '5.6.2', says: 'a stranger can be banned', event: member(carol, 'ban', '@mod:a') },
  { rule: '5.6.3', says: 'who has too little does not', event: member(carol, 'ban', '@bob:b'), refused: CANNOT_BAN },
  {
    rule: '5.6.3',
    says: 'power over someone is not yet the power to ban',
    event: member('@bob:b', 'ban', '@mod:a'),
    world: { levels: { ...users({}), ban: 51 } },
    refused: CANNOT_BAN,
  },
  {
    rule: '5.6.3',
    says: 'nobody bans an equal',
    event: member('@bob:b', 'ban', '@mod:a'),
    world: { levels: users({ '@bob:b': 50 }) },
    refused: CANNOT_BAN,
  },
  { rule: '5.6.3', says: 'nobody bans themselves', event: member('@mod:a', 'ban'), refused: CANNOT_BAN },
  {
    rule: '5.5.3',
    says: 'a ban is lifted with the power to ban',
    event: member(carol, 'leave', '@mod:a'),
    world: { members: { [carol]: 'ban' } },
  },
  {
    rule: '5.5.3',
    says: 'the power to kick does not lift bans',
    event: member(carol, 'leave', '@mod:a'),
    world: { members: { [carol]: 'ban' }, levels: { ...users({}), ban: 51 } },
    refused: 'The sender may not lift bans',
  },
  {
    rule: '5.5.5',
    says: 'the power to ban without the power to kick does not lift bans',
    event: member(carol, 'leave', '@mod:a'),
    world: { members: { [carol]: 'ban' }, levels: { ...users({}), kick: 51 } },
    refused: CANNOT_REMOVE,
  },
])

const knock = member(carol, 'knock')
const knockable = { joinRule: 'knock' }
const before7 = 'The membership is unknown'
describeRules('Knocking', [
  {
    rule: '5.7.3',
    says: 'a stranger knocks, since version 7',
    event: knock,
    world: knockable,
    allowedIn: since(7),
    refused: before7,
  },
  {
    rule: '5.7.3',
    says: 'who has left knocks',
    event: knock,
    world: { ...knockable, members: { [carol]: 'leave' } },
    allowedIn: since(7),
    refused: before7,
  },
  {
    rule: '5.7.3',
    says: 'who has knocked knocks again',
    event: knock,
    world: { ...knockable, members: { [carol]: 'knock' } },
    allowedIn: since(7),
    refused: before7,
  },
])

describe('Knocking in vain', () => {
  const verdicts = (world: World, event = knock) => since(7).map((id) => verdictOn(eventOf(event), world, id))
  const every = (verdict: string | undefined) => since(7).map(() => verdict)

  it('rule 5.7.1: other join rules do not let knock', () => {
    for (const joinRule of ['invite', 'public', 'restricted', 'private', undefined, 1]) {
      expect(verdicts({ joinRule })).toEqual(every('The room cannot be knocked on'))
    }
  })

  it('rule 5.7.1: knock_restricted does, since version 10', () => {
    const verdict = (id: string) => (Number(id) < 10 ? 'The room cannot be knocked on' : undefined)
    expect(verdicts({ joinRule: 'knock_restricted' })).toEqual(since(7).map(verdict))
  })

  it('rule 5.7.2: nobody knocks for another', () => {
    expect(verdicts(knockable, member(carol, 'knock', '@mod:a'))).toEqual(every('Nobody can knock for another'))
  })

  it('rule 5.7.4: not the banned, the invited, members', () => {
    expect(verdicts({ ...knockable, members: { [carol]: 'ban' } })).toEqual(every('The user is banned'))
    for (const membership of ['invite', 'join']) {
      const refused = every('The user is invited or in the room already')
      expect(verdicts({ ...knockable, members: { [carol]: membership } })).toEqual(refused)
    }
  })
})
