import { describe, expect, it } from 'vitest'
import { ALL, CREATE_ID, describeRules, eventOf, member, since, until, verdictOn } from '../../support/auth-rules.ts'

const carol = '@carol:c'
const join = (content = {}) => member(carol, 'join', carol, content)
const NOT_INVITED = 'The user is not invited'
const NOT_OPEN = 'The room is not open to join'
const NOT_AUTHORISED = 'Nobody who may invite has authorised the join'
const by = (userId: string) => ({ join_authorised_via_users_server: userId })

describeRules('Member events', [
  {
    rule: '5.1',
    says: 'a member event has a state key',
    event: { type: 'm.room.member', content: { membership: 'join' } },
    refused: 'The event says of nobody what their membership is',
  },
  {
    rule: '5.1',
    says: 'a member event has a membership',
    event: member(carol, undefined),
    refused: 'The event says of nobody what their membership is',
  },
  {
    rule: '5.8',
    says: 'other memberships are unknown',
    event: member(carol, 'fly'),
    refused: 'The membership is unknown',
  },
])

describeRules('Joining', [
  {
    rule: '5.3.1',
    says: 'the creator joins behind the create event',
    event: { ...member('@alice:a', 'join'), prev_events: [CREATE_ID] },
    world: { members: { '@alice:a': 'leave' }, levels: null },
  },
  {
    rule: '5.3.1',
    says: 'nobody else joins behind the create event, not even an additional creator',
    event: { ...join(), prev_events: [CREATE_ID] },
    world: { create: { additional_creators: [carol] } },
    refused: NOT_INVITED,
  },
  {
    rule: '5.3.1',
    says: 'the creator needs an invite later on',
    event: { ...member('@alice:a', 'join'), prev_events: [CREATE_ID, '$other:a'] },
    world: { members: { '@alice:a': 'leave' } },
    refused: NOT_INVITED,
  },
  {
    rule: '5.3.1',
    says: 'the creator is who content says, since version 11 the sender',
    event: { ...join(), prev_events: [CREATE_ID] },
    world: { create: { creator: carol } },
    allowedIn: until(10),
    refused: NOT_INVITED,
  },
  {
    rule: '5.3.2',
    says: 'nobody joins for another',
    event: member(carol, 'join', '@alice:a'),
    world: { joinRule: 'public' },
    refused: 'Nobody can join for another',
  },
  {
    rule: '5.3.3',
    says: 'a banned user cannot join',
    event: join(),
    world: { joinRule: 'public', members: { [carol]: 'ban' } },
    refused: 'The user is banned',
  },
  { rule: '5.3.4', says: 'a stranger cannot join a closed room', event: join(), refused: NOT_INVITED },
  {
    rule: '5.3.4',
    says: 'a user who has left cannot come back to a closed room',
    event: join(),
    world: { members: { [carol]: 'leave' } },
    refused: NOT_INVITED,
  },
  { rule: '5.3.4', says: 'the invited join', event: join(), world: { members: { [carol]: 'invite' } } },
  { rule: '5.3.4', says: 'a member may join again', event: join(), world: { members: { [carol]: 'join' } } },
  {
    rule: '5.3.4',
    says: 'the invited join a room that others knock on, since version 7',
    event: join(),
    world: { joinRule: 'knock', members: { [carol]: 'invite' } },
    allowedIn: since(7),
    refused: NOT_OPEN,
  },
  { rule: '5.3.6', says: 'everyone joins a public room', event: join(), world: { joinRule: 'public' } },
  {
    rule: '5.3.7',
    says: 'nobody joins under an unknown rule',
    event: join(),
    world: { joinRule: 'x' },
    refused: NOT_OPEN,
  },
  {
    rule: '5.3.7',
    says: 'nobody joins a private room',
    event: join(),
    world: { joinRule: 'private', members: { [carol]: 'invite' } },
    refused: NOT_OPEN,
  },
  { rule: '5.3.7', says: 'a rule that is no text is none', event: join(), world: { joinRule: {} }, refused: NOT_OPEN },
])

describe.each([
  ['restricted', 8],
  ['knock_restricted', 10],
])('Joining under the rule %s, which version %i brought', (joinRule, first) => {
  const verdicts = (event: ReturnType<typeof join>, members: Record<string, string> = {}, create = {}) =>
    ALL.map((id) => verdictOn(eventOf(event), { joinRule, members, create }, id))
  const expected = (verdict: string | undefined) => ALL.map((id) => (Number(id) < first ? NOT_OPEN : verdict))

  it('rule 5.3.5.1: the invited join', () => {
    expect(verdicts(join(), { [carol]: 'invite' })).toEqual(expected(undefined))
    expect(verdicts(join(), { [carol]: 'join' })).toEqual(expected(undefined))
  })

  it('rule 5.3.5.2: others need a member who may invite', () => {
    expect(verdicts(join())).toEqual(expected(NOT_AUTHORISED))
    expect(verdicts(join(by('@bob:b')))).toEqual(expected(NOT_AUTHORISED))
    expect(verdicts(join(by('@mod:a')), { '@mod:a': 'leave' })).toEqual(expected(NOT_AUTHORISED))
    expect(verdicts(join(by('@nobody:a')))).toEqual(expected(NOT_AUTHORISED))
    expect(verdicts(join({ join_authorised_via_users_server: 1 }))).toEqual(expected(NOT_AUTHORISED))
  })

  it('rule 5.3.5.3: with one they join', () => {
    expect(verdicts(join(by('@mod:a')))).toEqual(expected(undefined))
    expect(verdicts(join(by('@alice:a')))).toEqual(expected(undefined))
  })

  it('rule 5.3.3: the banned do not', () => {
    expect(verdicts(join(by('@mod:a')), { [carol]: 'ban' })).toEqual(ALL.map(() => 'The user is banned'))
  })

  it('an additional creator of version 12 may authorise', () => {
    const create = { additional_creators: ['@bob:b'] }
    expect(verdictOn(eventOf(join(by('@bob:b'))), { joinRule, create }, '12')).toBeUndefined()
    expect(verdictOn(eventOf(join(by('@bob:b'))), { joinRule, create }, '11')).toBe(NOT_AUTHORISED)
  })
})
