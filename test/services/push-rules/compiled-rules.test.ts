import { describe, expect, it } from 'vitest'
import type { UserId } from '../../../src/matrix/ids.ts'
import type { JsonObject } from '../../../src/matrix/json.ts'
import type { Pdu } from '../../../src/room/event.ts'
import { CompiledRules } from '../../../src/services/push-rules/compiled-rules.ts'
import { changeRule, setRule } from '../../../src/services/push-rules/edit.ts'
import { PushEvent } from '../../../src/services/push-rules/push-event.ts'
import type { PushRule } from '../../../src/services/push-rules/rule.ts'
import { effectiveRules, NO_CHANGES } from '../../../src/services/push-rules/rule-store.ts'

const BOB: UserId = '@bob:example.org'
const PREDEFINED = new CompiledRules(effectiveRules(NO_CHANGES))

const pdu = (content: JsonObject, fields: Partial<Pdu> = {}): Pdu => ({
  type: 'm.room.message',
  sender: '@alice:example.org',
  room_id: '!room:example.org',
  content,
  depth: 1,
  origin_server_ts: 1,
  prev_events: [],
  auth_events: [],
  ...fields,
})

const eventOf = (event: Pdu, facts: { joinedMembers?: number; mayNotify?: boolean } = {}) =>
  new PushEvent(event, '$event', {
    roomId: '!room:example.org',
    joinedMembers: facts.joinedMembers ?? 5,
    senderMayNotify: () => facts.mayNotify ?? false,
  })

const outcome = (event: PushEvent, rules = PREDEFINED, displayName?: string) =>
  event.planFor(rules).decide({ userId: BOB, displayName })

/** A rule set with one override rule of these conditions, and nothing else that matches. */
const withConditions = (...conditions: JsonObject[]) => {
  const rule: PushRule = { rule_id: 'test', default: false, enabled: true, conditions, actions: ['notify'] }
  return new CompiledRules({ override: [rule], content: [], postcontent: [], room: [], sender: [], underride: [] })
}

describe('The predefined push rules', () => {
  it('notify of messages, and with a sound where there are two members', () => {
    expect(outcome(eventOf(pdu({ body: 'hi' })))).toMatchObject({ notify: true, highlight: false, actions: ['notify'] })
    expect(outcome(eventOf(pdu({ body: 'hi' }), { joinedMembers: 2 })).actions).toHaveLength(2)
  })

  it('highlight mentions, by m.mentions or, without it, by name in the text', () => {
    const mention = { body: 'hi', 'm.mentions': { user_ids: [BOB] } }
    expect(outcome(eventOf(pdu(mention))).highlight).toBe(true)
    expect(outcome(eventOf(pdu({ body: 'hi Bob!' }))).highlight).toBe(true)
    expect(outcome(eventOf(pdu({ body: 'hi 김철수님' })), PREDEFINED, '김철수').highlight).toBe(true)
    expect(outcome(eventOf(pdu({ body: 'hi bob', 'm.mentions': {} }))).highlight).toBe(false)
    expect(outcome(eventOf(pdu({ body: 'bobby' }))).highlight).toBe(false)
  })

  it('highlight @room from those who may', () => {
    const room = pdu({ body: '@room', 'm.mentions': { room: true } })
    expect(outcome(eventOf(room)).highlight).toBe(false)
    expect(outcome(eventOf(room, { mayNotify: true })).highlight).toBe(true)
  })

  it.each<[string, Pdu]>([
    ['notices', pdu({ msgtype: 'm.notice', body: 'bob' })],
    ['edits', pdu({ body: '* hi', 'm.relates_to': { rel_type: 'm.replace', event_id: '$e' } })],
    ['reactions', pdu({}, { type: 'm.reaction' })],
    ['member events of others', pdu({ membership: 'join' }, { type: 'm.room.member', state_key: '@c:x' })],
    ['what the user sent', pdu({ body: 'bob' }, { sender: BOB })],
  ])('are silent about %s', (_, event) => {
    expect(outcome(eventOf(event)).notify).toBe(false)
  })

  it('notify the invited alone of an invite', () => {
    const invite = eventOf(pdu({ membership: 'invite' }, { type: 'm.room.member', state_key: BOB }))
    expect(outcome(invite).notify).toBe(true)
    expect(invite.planFor(PREDEFINED).decide({ userId: '@carol:example.org' }).notify).toBe(false)
  })
})

describe('A condition', () => {
  const event = eventOf(pdu({ n: 3, flag: true, nothing: null, list: ['a', 1], 'a.b': 'dot', body: 'some text' }))
  it.each<[JsonObject, boolean]>([
    [{ kind: 'event_match', key: 'content.body', pattern: 'text' }, true],
    [{ kind: 'event_match', key: 'content.body', pattern: 'ext' }, false],
    [{ kind: 'event_match', key: 'room_id', pattern: '!ROOM:*' }, true],
    [{ kind: 'event_match', key: 'content.n', pattern: '*' }, false],
    [{ kind: 'event_match', key: 'content.a\\.b', pattern: 'd?t' }, true],
    [{ kind: 'event_match', key: 'content.constructor', pattern: '*' }, false],
    [{ kind: 'event_property_is', key: 'content.n', value: 3 }, true],
    [{ kind: 'event_property_is', key: 'content.n', value: '3' }, false],
    [{ kind: 'event_property_is', key: 'content.nothing', value: null }, true],
    [{ kind: 'event_property_is', key: 'content.absent', value: null }, false],
    [{ kind: 'event_property_contains', key: 'content.list', value: 1 }, true],
    [{ kind: 'event_property_contains', key: 'content.list', value: 'b' }, false],
    [{ kind: 'event_property_contains', key: 'content.body', value: 'some text' }, false],
    [{ kind: 'room_member_count', is: '5' }, true],
    [{ kind: 'room_member_count', is: '>=6' }, false],
    [{ kind: 'room_member_count', is: '<6' }, true],
    [{ kind: 'room_member_count', is: 'x' }, false],
    [{ kind: 'sender_notification_permission', key: 'room' }, false],
    [{ kind: 'unheard.of' }, false],
    [{}, false],
  ])('%j holds: %s', (condition, expected) => {
    expect(outcome(event, withConditions(condition)).notify).toBe(expected)
  })

  it('is met by all conditions of the rule or by none', () => {
    const holds = { kind: 'room_member_count', is: '5' }
    expect(outcome(event, withConditions(holds, { kind: 'unheard.of' })).notify).toBe(false)
    expect(outcome(event, withConditions()).notify).toBe(true)
  })
})

describe('A rule set has so much done for one event, and no more', () => {
  const keywords = (...patterns: string[]) => {
    const own = (pattern: string, index: number): PushRule => {
      return { rule_id: `${index}`, default: false, enabled: true, pattern, actions: ['notify'] }
    }
    return new CompiledRules({
      override: [],
      content: patterns.map(own),
      postcontent: [],
      room: [],
      sender: [],
      underride: [],
    })
  }
  const long = eventOf(pdu({ body: `${' a'.repeat(30_000)} cake` }))

  it('whatever one pattern is made of', () => {
    const slow = `*${'?a'.repeat(10_000)}b*`
    expect(outcome(long, keywords('cake')).notify).toBe(true)
    expect(outcome(long, keywords('?cake')).notify).toBe(true)
    // It is not even tried, and what comes after it is.
    expect(outcome(eventOf(pdu({ body: `${' a'.repeat(30_000)}b cake` })), keywords(slow)).notify).toBe(false)
    expect(outcome(long, keywords(slow, 'cake')).notify).toBe(true)
  })

  it('however many patterns there are', () => {
    const many = Array.from({ length: 500 }, (_, i) => `nowhere${i}`)
    expect(outcome(long, keywords(...many, 'cake')).notify).toBe(false)
    expect(outcome(eventOf(pdu({ body: 'time for cake' })), keywords(...many, 'cake')).notify).toBe(true)
  })

  it('nor does it look for names that no profile can have', () => {
    const name = 'ab'.repeat(200)
    const naming = (text: string) => eventOf(pdu({ body: `hi ${text}` }))
    expect(outcome(naming(name.slice(0, 256)), PREDEFINED, name.slice(0, 256)).highlight).toBe(true)
    expect(outcome(naming(name), PREDEFINED, name).highlight).toBe(false)
  })

  it('takes stars and question marks in a name for what they are', () => {
    expect(outcome(eventOf(pdu({ body: 'is it *Kim*?' })), PREDEFINED, '*Kim*').highlight).toBe(true)
    expect(outcome(eventOf(pdu({ body: 'is it Joachim?' })), PREDEFINED, '*chi*').highlight).toBe(false)
  })
})

describe('A user’s own rules', () => {
  const message = () => eventOf(pdu({ body: 'time for cake' }))
  it('come before the predefined ones', () => {
    const muted = setRule(NO_CHANGES, 'room', '!room:example.org', { actions: [] }, {})
    expect(outcome(message(), new CompiledRules(effectiveRules(muted))).notify).toBe(false)
    const cake = { pattern: 'cake', actions: ['notify', { set_tweak: 'highlight' }] }
    const keyword = setRule(muted, 'content', 'cake', cake, {})
    expect(outcome(message(), new CompiledRules(effectiveRules(keyword))).highlight).toBe(true)
  })

  it('are all silenced by the master rule', () => {
    const off = changeRule(NO_CHANGES, 'override', '.m.rule.master', { enabled: true })
    const loud = setRule(off, 'override', 'loud', { actions: ['notify'], conditions: [] }, {})
    expect(outcome(message(), new CompiledRules(effectiveRules(loud))).notify).toBe(false)
  })
})

it('judges an event for 5,000 members in under 10 ms', () => {
  const members = Array.from({ length: 5_000 }, (_, i) => ({
    userId: `@user${i}:example.org` as UserId,
    displayName: `User ${i}`,
  }))
  const judge = () => {
    const event = eventOf(pdu({ body: 'a message for user17: look at the plan for next week' }))
    return members.map((member) => ({ userId: member.userId, ...event.planFor(PREDEFINED).decide(member) }))
  }
  const times = Array.from({ length: 7 }, () => {
    const started = performance.now()
    const judged = judge()
    const took = performance.now() - started
    expect(judged.filter(({ notify }) => notify)).toHaveLength(5_000)
    expect(judged.filter(({ highlight }) => highlight).map(({ userId }) => userId)).toEqual(['@user17:example.org'])
    return took
  }).sort((a, b) => a - b)
  expect(times[3]).toBeLessThan(10)
})
