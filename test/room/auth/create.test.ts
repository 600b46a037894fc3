import { describe, expect, it } from 'vitest'
import { authorize } from '../../../src/room/auth/authorize.ts'
import type { Pdu } from '../../../src/room/event.ts'
import { ALL, describeRules, eventOf, until, verdictOn, versionOf } from '../../support/auth-rules.ts'

const create = (content: Pdu['content'] = {}, pdu: Partial<Pdu> = {}): Partial<Pdu> => ({
  type: 'm.room.create',
  sender: '@alice:a',
  state_key: '',
  prev_events: [],
  content: { creator: '@alice:a', ...content },
  ...pdu,
})

/** Of version 12, whose create events name no room. */
const nameless = (content: Pdu['content'], pdu: Partial<Pdu> = {}): Partial<Pdu> => {
  const { room_id: _, ...rest } = eventOf(create(content, pdu)).pdu
  return rest
}

const NAMES_ROOM = 'A create event has no room id in this room version'

describeRules('Create events', [
  { rule: '1', says: 'a create event is allowed', event: create(), allowedIn: until(11), refused: NAMES_ROOM },
  {
    rule: '1.1',
    says: 'a create event has no previous events',
    event: create({}, { prev_events: ['$a'] }),
    refused: 'A create event has no previous events',
  },
  {
    rule: '1.3',
    says: 'the room version is a known one',
    event: create({ room_version: '1' }),
    allowedIn: until(11),
    refused: NAMES_ROOM,
  },
])

describe('Create events, further', () => {
  const inVersion = (version: string, pdu: Partial<Pdu>) => verdictOn({ eventId: '$e', pdu: pdu as Pdu }, {}, version)

  it('rule 1.2 of versions 1 to 11: the room id is one of the sender’s server', () => {
    const foreign = eventOf(create({}, { room_id: '!room:elsewhere' }))
    for (const version of until(11)) {
      expect(verdictOn(foreign, {}, version)).toBe('The room id is one of another server than the sender')
    }
  })

  it('rule 1.2: without a room id a create event is allowed in version 12 alone', () => {
    for (const version of until(11)) {
      expect(inVersion(version, nameless({}))).toBe('The room id is one of another server than the sender')
    }
    expect(inVersion('12', nameless({}))).toBeUndefined()
  })

  it('rule 1.3: an unknown room version is refused, and one that is no text', () => {
    for (const version of until(11)) {
      for (const named of ['no such version', 1, null]) {
        expect(verdictOn(eventOf(create({ room_version: named })), {}, version)).toBe('The room version is unknown')
      }
    }
    expect(inVersion('12', nameless({ room_version: 12 }))).toBe('The room version is unknown')
  })

  it('rule 1.4 of versions 1 to 10: content names the creator', () => {
    const { creator: _, ...content } = create().content ?? {}
    for (const version of until(10)) {
      expect(verdictOn(eventOf({ ...create(), content }), {}, version)).toBe('The create event names no creator')
    }
    expect(verdictOn(eventOf({ ...create(), content }), {}, '11')).toBeUndefined()
  })

  it('rule 1.4: additional creators are user ids', () => {
    const refused = 'The additional creators are no list of user ids'
    for (const creators of ['@bob:b', {}, null, ['@bob:b', 1], ['bob'], ['@bob'], ['@bob:b b']]) {
      expect(inVersion('12', nameless({ additional_creators: creators }))).toBe(refused)
      expect(verdictOn(eventOf(create({ additional_creators: creators })), {}, '11')).toBeUndefined()
    }
    expect(inVersion('12', nameless({ additional_creators: ['@bob:b', '@carol:c'] }))).toBeUndefined()
    expect(inVersion('12', nameless({ additional_creators: [] }))).toBeUndefined()
  })
})

describeRules('Whatever is no create event', [
  { rule: '4', says: 'other servers take part', event: {} },
  {
    rule: '4',
    says: 'other servers take no part in a room that does not federate',
    event: {},
    world: { create: { 'm.federate': false } },
    refused: 'The room does not federate',
  },
  {
    rule: '4',
    says: 'the creator’s server takes part in a room that does not federate',
    event: { sender: '@mod:a' },
    world: { create: { 'm.federate': false } },
  },
])

it('allows nothing else in a room without a create event', () => {
  for (const id of ALL) {
    expect(authorize(eventOf({}), () => undefined, versionOf(id))).toBe('The room has no create event')
  }
})
